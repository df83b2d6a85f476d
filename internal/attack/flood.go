package main

import (
	"context"
	"errors"
	"net"
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

// floods measures what processor time a flood costs the target, and when its connection ends.
func floods(s *Stage) ([]Figure, error) {
	window := 10 * time.Second
	if s.Short {
		window = 2 * time.Second
	}
	var cores, ends []Figure
	for _, way := range floodWays() {
		used, ended, err := flood(s, way, window)
		if err != nil {
			return append(cores, ends...), err
		}
		cores = append(cores, Figure{Name: "h2_flood_cpu/" + way.name, Value: used, Unit: "cores"})
		ends = append(ends, Figure{Name: "h2_flood_ended/" + way.name, Value: ended.Seconds(), Unit: "s"})
	}
	return append(worst("h2_flood_cpu", "cores", cores), worst("h2_flood_ended", "s", ends)...), nil
}

// flood floods a target of its own for as long as it is let, and watches it until the window is over.
func flood(s *Stage, way floodWay, window time.Duration) (cores float64, ended time.Duration, err error) {
	t, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	if err != nil {
		return 0, 0, err
	}
	defer t.kill()
	c, err := new(net.Dialer).DialContext(s.ctx, "tcp", t.Address)
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
