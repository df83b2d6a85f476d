package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/collectiverpc/collective/internal/rig"
)

// cpu is the processor time that a collector has used.
func (t *Target) cpu() time.Duration { return rig.CPU(t.Process.Pid) }

// memory is a line of /proc/PID/status in bytes, see [rig.Memory].
func (t *Target) memory(line string) int64 { return rig.Memory(t.Process.Pid, line) }

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
