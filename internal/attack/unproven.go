package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// connections are as many as an attacker has at once, and perAddress those from each of its addresses.
const (
	connections = 60
	perAddress  = 15
)

// unproven is what a connection costs in memory whose other end sends as much as it is let: before it has said who it is, and
// when it has proved a key and agreed on nothing, at the worst of the ways to make a target hold something.
func unproven(s *Stage) ([]Figure, error) {
	ways := []struct {
		name string
		send func(ctx context.Context, t *Target, from int) error
	}{
		{"silent_about_itself", s.sendHello},
		{"proven_names", proven(sendNames)},
		{"proven_catalog", proven(func(_ context.Context, l *link.Link) { _ = l.Announce(1, make([]byte, 16<<20)) })},
		{"proven_request", proven(sendRequest)},
	}
	var parts []Figure
	for _, way := range ways {
		f, err := s.grown(way.send)
		if err != nil {
			return parts, err
		}
		f.Name = "unproven_bytes/" + way.name
		parts = append(parts, f)
	}
	return worst("unproven_bytes", "bytes", parts), nil
}

// grown is by how much a target of its own grows for each connection that sends something.
func (s *Stage) grown(send func(ctx context.Context, t *Target, from int) error) (f Figure, err error) {
	t, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	if err != nil {
		return f, err
	}
	defer t.kill()
	ctx, cancel := context.WithTimeout(s.ctx, 4*time.Second)
	defer cancel()
	before := t.memory("VmRSS")
	var all sync.WaitGroup
	var failed atomic.Int64
	for i := range connections {
		all.Go(func() {
			if send(ctx, t, i/perAddress) != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	sent := connections - failed.Load()
	f = Figure{Value: float64(t.memory("VmHWM")-before) / float64(max(1, sent)), Unit: "bytes"}
	if sent < connections/2 {
		f.Busy = fmt.Sprintf("%d of %d connections came about in time", sent, connections)
	}
	return f, nil
}

// dialer dials from one of the attacker's addresses.
func dialer(from int) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(from+1))}}
}

// sendHello sends 8 MiB of a HELLO, if it takes them.
func (s *Stage) sendHello(ctx context.Context, t *Target, from int) error {
	c, err := dialer(from).DialContext(ctx, "tcp", t.Address)
	if err != nil {
		return err
	}
	s.defers(func() { _ = c.Close() })
	protocol := t.upgrade()
	go drain(c)
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", linkPath, t.Address, protocol)
	hello := make([]byte, frameHeader, frameHeader+1<<20)
	binary.BigEndian.PutUint32(hello, 64<<20)
	hello[4] = typeHello
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	for range 8 {
		if _, err := c.Write(hello[:cap(hello)]); err != nil {
			break
		}
		hello = hello[:0:cap(hello)]
	}
	return nil
}

// proven sends something over a link that nobody has agreed on, until the target ends it or time is up.
func proven(send func(context.Context, *link.Link)) func(ctx context.Context, t *Target, from int) error {
	return func(ctx context.Context, t *Target, from int) error {
		stream, err := carrier.DialUpgrade(ctx, dialer(from), t.Address, nil)
		if err != nil {
			return err
		}
		l, err := link.Client(ctx, stream, link.Config{
			Hello: link.Hello{CollectorID: fmt.Sprintf("m%p", stream), SessionID: "m-1"}, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			return err
		}
		defer l.Close("over")
		for ctx.Err() == nil && l.Err() == nil {
			send(ctx, l)
		}
		return nil
	}
}

// sendNames opens as many calls as a link has numbers for, each by a name of its own.
func sendNames(ctx context.Context, l *link.Link) {
	for i := 0; i < 4096 && ctx.Err() == nil; i++ {
		stream, err := l.Open(ctx, link.Call{Spec: connect.Spec{Procedure: fmt.Sprintf("/m.M/M%d", i)}, Caller: strings.Repeat("m", 1000)})
		if err != nil {
			return
		}
		_ = stream.Send(&link.Raw{})
		_ = stream.Close()
	}
}

// sendRequest asks for a connection with a request of almost 4 MiB.
func sendRequest(ctx context.Context, l *link.Link) {
	client := collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(l.Transport("")))
	_, _ = client.Connect(ctx, &collector.ConnectRequest{Namespaces: []string{strings.Repeat("m", 4<<20-100)}})
}
