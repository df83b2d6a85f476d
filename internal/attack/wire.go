package main

import (
	"bytes"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// wire is a connection of HTTP/2 whose frames an attack makes. Writing is for one goroutine, or under mu.
type wire struct {
	*http2.Framer
	c       net.Conn
	address string
	scheme  string
	mu      sync.Mutex
	block   bytes.Buffer
	encoder *hpack.Encoder
	// greeted is closed when the target's settings are acknowledged, so that no frame of the background comes between others.
	greeted chan struct{}
	// ended is closed when the target has ended the connection or said that it will.
	ended chan struct{}
}

// speak begins HTTP/2 with these settings and answers what a client must answer, PING among it, in the background.
func speak(c net.Conn, t *Target, settings ...http2.Setting) (*wire, error) {
	w := &wire{Framer: http2.NewFramer(c, c), c: c, address: t.Address, scheme: strings.TrimSuffix(t.URL[:5], ":"), ended: make(chan struct{}), greeted: make(chan struct{})}
	w.encoder = hpack.NewEncoder(&w.block)
	w.AllowIllegalWrites, w.AllowIllegalReads = true, true
	if _, err := c.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	if err := w.WriteSettings(settings...); err != nil {
		return nil, err
	}
	go w.listen()
	select {
	case <-w.greeted:
	case <-w.ended:
	case <-time.After(5 * time.Second):
	}
	return w, nil
}

func (w *wire) listen() {
	defer close(w.ended)
	var once sync.Once
	for {
		f, err := w.ReadFrame()
		if err != nil {
			return
		}
		w.mu.Lock()
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = w.WriteSettingsAck()
				once.Do(func() { close(w.greeted) })
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = w.WritePing(true, f.Data)
			}
		case *http2.GoAwayFrame:
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

// headers encodes the header of a request; more are pairs of names and values.
func (w *wire) headers(method, path string, more ...string) []byte {
	w.block.Reset()
	all := append([]string{":method", method, ":scheme", w.scheme, ":path", path, ":authority", w.address}, more...)
	for i := 0; i < len(all); i += 2 {
		_ = w.encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return bytes.Clone(w.block.Bytes())
}

// open begins a request. It ends there if whole.
func (w *wire) open(id uint32, whole bool, method, path string, more ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: w.headers(method, path, more...), EndHeaders: true, EndStream: whole,
	})
}
