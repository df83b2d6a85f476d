package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"golang.org/x/net/http2"
)

// floodWay is a kind of frames that cost the target more than the client.
type floodWay struct {
	name     string
	settings []http2.Setting
	// begin is sent once, and again until the connection ends.
	begin func(*wire) error
	again func(w *wire, n uint32) error
}

// batch is how many frames are written while the connection is held.
const batch = 64

// floods measures what processor time a flood costs the target, when its connection ends, and how long calls of others take
// meanwhile, without TLS and with it.
func floods(s *Stage) ([]Figure, error) {
	window := 10 * time.Second // within which the connection has to end
	if s.Short {
		window = 4 * time.Second
	}
	var cores, ends, ratios []Figure
	for _, serve := range []func(...string) (*Target, error){s.serve, s.serveTLS} {
		for _, way := range floodWays() {
			t, err := serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
			if err != nil {
				return nil, err
			}
			used, ended, err := flood(s, t, way, window)
			if err != nil {
				return slices.Concat(cores, ends, ratios), err
			}
			name := "/" + t.named(way.name)
			cores = append(cores, Figure{Name: "h2_flood_cpu" + name, Value: used, Unit: "cores"})
			ends = append(ends, Figure{Name: "h2_flood_ended" + name, Value: ended.Seconds(), Unit: "s"})
			ratio := besides(s, t, way, window/4)
			ratio.Name += name
			ratios = append(ratios, ratio)
			t.kill()
		}
	}
	return slices.Concat(worst("h2_flood_cpu", "cores", cores), worst("h2_flood_ended", "s", ends),
		worst("h2_flood_others_p99_ratio", "ratio", ratios)), nil
}

// flood floods a target for as long as it is let, and watches it until the window is over.
func flood(s *Stage, t *Target, way floodWay, window time.Duration) (cores float64, ended time.Duration, err error) {
	c, err := t.dial(s.ctx, "h2")
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	w, err := speak(c, t, way.settings...)
	if err != nil {
		return 0, 0, err
	}
	ctx, stop := context.WithTimeout(s.ctx, 2*window)
	defer stop()
	began, before := time.Now(), t.cpu()
	over := make(chan time.Duration, 1)
	go func() {
		err := way.run(ctx, w)
		if errors.Is(err, context.DeadlineExceeded) {
			over <- 2 * window // it was let until the end
			return
		}
		over <- time.Since(began)
	}()
	s.pause(window)
	cores = (t.cpu() - before).Seconds() / time.Since(began).Seconds()
	select {
	case ended = <-over:
	case <-ctx.Done():
		_ = c.Close()
		<-over
		ended = 2 * window
	}
	return cores, ended, s.ctx.Err()
}

// besides is by how much calls of others take longer while somebody floods a target and comes again whenever that is ended.
// The control has the same client at work, against one that throws away what it gets: what it costs this machine to flood is no
// fault of the target.
func besides(s *Stage, t *Target, way floodWay, span time.Duration) Figure {
	nobody := newSink(s)
	control := latencies(s, t, span, func(context.Context) error { return nobody.flood(s, way, span) })
	attacked := latencies(s, t, span, func(context.Context) error { return floodOnce(s, t, way, span) })
	f := Figure{Name: "h2_flood_others_p99_ratio", Unit: "ratio", Value: float64(p99(attacked)) / float64(max(p99(control), leastP99))}
	if late := lag(); p99(control) > 50*time.Millisecond || late > 10*time.Millisecond {
		f.Busy = fmt.Sprintf("p99 of the control is %v, and it wakes up %v late", p99(control), late)
	}
	return f
}

// leastP99 is what a call may take on a machine that does other things too.
const leastP99 = 5 * time.Millisecond

// floodOnce floods a target until it ends the connection, or for a while. It returns nil: somebody who floods comes again.
func floodOnce(s *Stage, t *Target, way floodWay, span time.Duration) error {
	ctx, stop := context.WithTimeout(s.ctx, span)
	defer stop()
	c, err := t.dial(ctx, "h2")
	if err != nil {
		return nil //nolint:nilerr // it does not get in
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if w, err := speak(c, t, way.settings...); err == nil {
		_ = way.run(ctx, w)
	}
	return nil
}

// sink is a target that throws away what it gets, for as much as a collector takes before it ends a flood.
type sink struct{ *Target }

func newSink(s *Stage) sink {
	t := &Target{Address: "127.0.0.1:0", URL: "http://127.0.0.1:0"}
	l, err := net.Listen("tcp", t.Address)
	if err != nil {
		return sink{t}
	}
	t.Address = l.Addr().String()
	s.defers(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = http2.NewFramer(c, nil).WriteSettings()
				_, _ = io.CopyN(io.Discard, c, sinkBytes)
			}()
		}
	}()
	return sink{t}
}

// sinkBytes is about what a flood sends until a collector has ended it.
const sinkBytes = 1 << 20

func (k sink) flood(s *Stage, way floodWay, span time.Duration) error {
	return floodOnce(s, k.Target, way, span)
}

// run sends frames until the connection ends, or ctx.
func (f floodWay) run(ctx context.Context, w *wire) error {
	if f.begin != nil {
		if err := w.locked(func() error { return f.begin(w) }); err != nil {
			return err
		}
	}
	for n := uint32(1); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.ended:
			return errors.New("the target has ended it")
		default:
		}
		err := w.locked(func() error {
			for range batch {
				if err := f.again(w, n); err != nil {
					return err
				}
				n += 2
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

func (w *wire) locked(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

func floodWays() []floodWay {
	const kind, proto = "content-type", "application/proto"
	header := func(w *wire, id uint32, last bool) error {
		return w.WriteHeaders(http2.HeadersFrameParam{
			StreamID: id, BlockFragment: w.headers("POST", getUser, kind, proto), EndHeaders: true, EndStream: last,
		})
	}
	return []floodWay{
		{name: "ping", again: func(w *wire, _ uint32) error { return w.WritePing(false, [8]byte{1}) }},
		{name: "settings", again: func(w *wire, _ uint32) error { return w.WriteSettings() }},
		{name: "empty_data", begin: func(w *wire) error { return header(w, 1, false) },
			again: func(w *wire, _ uint32) error { return w.WriteData(1, false, nil) }},
		{name: "empty_continuation", begin: func(w *wire) error {
			return w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: w.headers("POST", getUser, kind, proto)})
		}, again: func(w *wire, _ uint32) error { return w.WriteContinuation(1, false, nil) }},
		{name: "window_0", settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 0}},
			again: func(w *wire, n uint32) error { // answers that can never be sent, as many as there may be
				if err := header(w, n, false); err != nil {
					return err
				}
				return w.WriteData(n, true, nil)
			}},
		{name: "rapid_reset", again: func(w *wire, n uint32) error {
			if err := header(w, n, true); err != nil {
				return err
			}
			return w.WriteRSTStream(n, http2.ErrCodeCancel)
		}},
		{name: "made_you_reset", again: func(w *wire, n uint32) error {
			if err := header(w, n, false); err != nil {
				return err
			}
			return w.WriteRawFrame(http2.FrameWindowUpdate, 0, n, []byte{0, 0, 0, 0}) // no stream may grow by nothing
		}},
	}
}
