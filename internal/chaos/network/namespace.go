//go:build linux

package network

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// namespace is a site: a thread that is in it, and the device by which its packets come and go.
type namespace struct {
	cable   Cable
	address string
	do      chan func() // run by the thread
	tun     *os.File
	in, out chan delayed
	closed  chan struct{}

	arriving sync.Mutex // of what several sites send here
}

// delayed is a packet that goes on later.
type delayed struct {
	at     time.Time
	packet []byte
}

// mtu is that of Ethernet.
const mtu = 1500

// thread enters a namespace of its own and does there what it is told. It ends with its thread, which no other goroutine
// may have, as it is never unlocked.
func (s *namespace) thread(number byte, ready chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		s.tun, err = openTUN(number)
	}
	ready <- err
	if err != nil {
		return
	}
	for f := range s.do {
		f()
	}
}

// Start starts a command in the namespace: a child begins in that of the thread that made it.
func (s *namespace) Start(command *exec.Cmd) error {
	done := make(chan error)
	s.do <- func() { done <- command.Start() }
	return <-done
}

// Listen is every address of the site.
func (s *namespace) Listen() string { return s.address + ":50051" }

// Dial is the same: all sites are in one network.
func (s *namespace) Dial() string { return s.Listen() }

// Cable is what the device is behind.
func (s *namespace) Cable() *Cable { return &s.cable }

// openTUN makes the device in the namespace of this thread, and brings it and loopback up.
func openTUN(number byte) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	defer unix.Close(control)
	if err := configure(fd, control, number); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

func configure(tun, control int, number byte) error {
	const device = "chaos0"
	request := func(name string, fd int, what uint, set func(*unix.Ifreq) error) error {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = set(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(fd, what, r)
		}
		if err != nil {
			return fmt.Errorf("device %s: %w", name, err)
		}
		return nil
	}
	flags := func(f uint16) func(*unix.Ifreq) error {
		return func(r *unix.Ifreq) error { r.SetUint16(f); return nil }
	}
	return errors.Join(
		request(device, tun, unix.TUNSETIFF, flags(unix.IFF_TUN|unix.IFF_NO_PI)),
		request(device, control, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{10, 77, 0, number}) }),
		request(device, control, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) }),
		request(device, control, unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(mtu); return nil }),
		request(device, control, unix.SIOCSIFFLAGS, flags(unix.IFF_UP|unix.IFF_RUNNING)),
		request("lo", control, unix.SIOCSIFFLAGS, flags(unix.IFF_UP|unix.IFF_RUNNING)),
	)
}
