package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is USER_HZ of Linux, in which /proc counts processor time.
const clockTick = 10 * time.Millisecond

// cpu is the processor time that a collector has used.
func (t *Target) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", t.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name may have spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * clockTick
}

// memory is a line of /proc/PID/status in bytes: VmRSS, or VmHWM, the most there ever was.
func (t *Target) memory(line string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), line+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10
}

// established is the state of a socket in /proc/net/tcp that no end has closed. A collector that has closed one whose
// client does not read is in another.
const established = "01"

// holds tells whether a collector still has the connection whose other end is client.
func (t *Target) holds(client net.Conn) bool {
	own, other := t.Address, client.LocalAddr().(*net.TCPAddr)
	_, port, _ := net.SplitHostPort(own)
	number, _ := strconv.Atoi(port)
	local, remote := fmt.Sprintf(":%04X", number), fmt.Sprintf(":%04X", other.Port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 3 && fields[3] == established && strings.HasSuffix(fields[1], local) && strings.HasSuffix(fields[2], remote) {
				return true
			}
		}
	}
	return false
}

// lag is how much later than asked for this process wakes up, at the worst of a few times: what a busy machine adds to
// everything that is measured by a clock.
func lag() time.Duration {
	var most time.Duration
	for range 20 {
		began := time.Now()
		time.Sleep(5 * time.Millisecond)
		most = max(most, time.Since(began)-5*time.Millisecond)
	}
	return most
}
