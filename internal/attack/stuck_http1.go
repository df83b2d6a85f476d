package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// A method that the targets have, and one that nobody has.
const (
	getUser = "/shop.v1.UserService/GetUser"
	nowhere = "/nobody.v1.Nothing/Get"
)

// stuckOverHTTP1 are the ways of HTTP/1.1. A head announces a body that does not come, unless it is the head that stops.
func stuckOverHTTP1(t *Target) []stuckWay {
	head := func(first string, headers ...string) stuckWay {
		text := first + " HTTP/1.1\r\n" + strings.Join(append([]string{"Host: " + t.Address}, headers...), "\r\n") + "\r\n\r\n"
		return writes(text)
	}
	const proto, long = "Content-Type: application/proto", "Content-Length: 100000"
	ways := map[string]stuckWay{
		"head":         writes("POST " + getUser + " HTTP/1.1\r\nHost: x\r\nContent-"),
		"silence":      writes(""),
		"head_dripped": dripped("POST " + getUser + " HTTP/1.1\r\nHost: " + t.Address + "\r\nX: "),
		"body":         head("POST "+getUser, proto, long),
		"body_chunked": head("POST "+getUser, proto, "Transfer-Encoding: chunked"),
		"expect":       head("POST "+getUser, proto, long, "Expect: 100-continue"),
		"404":          head("POST "+nowhere, proto, long),
		"405":          head("PUT "+getUser, proto, long),
		"413":          head("POST "+getUser, proto, "Content-Length: 1000000000"),
		"415":          head("POST "+getUser, "Content-Type: text/nonsense", long),
		"426":          head("POST "+linkPath, long),
		"403":          writes("POST " + getUser + " HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n" + proto + "\r\n" + long + "\r\n\r\n"),
		"505":          writes("POST " + getUser + " HTTP/3.7\r\nHost: " + t.Address + "\r\n" + proto + "\r\n" + long + "\r\n\r\n"),
		"upgrade":      head("POST "+linkPath, "Connection: Upgrade", "Upgrade: "+t.upgrade()),
		"timed_out":    head("POST "+getUser, proto, long, "Connect-Protocol-Version: 1", "Connect-Timeout-Ms: 500"),
		"envelope":     envelope(head("POST "+getUser, "Content-Type: application/connect+proto", "Transfer-Encoding: chunked")),
		"reader":       unread("POST " + getUser + " HTTP/1.1\r\nHost: " + t.Address + "\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n" + `{"id":"u-1"}`),
	}
	all := named("http/1.1", "http1_", ways)
	if t.tls != nil { // what begins as a handshake does, and stops
		all = append(all, named("", "", map[string]stuckWay{"socket": writes(""), "handshake": writes("\x16\x03\x01\x02\x00\x01")})...)
	}
	return all
}

// writes sends a text and nothing more. It reads what comes, as clients do.
func writes(text string) stuckWay {
	return stuckWay{stop: func(_ context.Context, c net.Conn) error {
		go drain(c)
		_, err := c.Write([]byte(text))
		return err
	}}
}

// drain reads until the connection ends.
func drain(c net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		if _, err := c.Read(buffer); err != nil {
			return
		}
	}
}

// dripped goes on by a byte each second: it never stops, and never arrives.
func dripped(text string) stuckWay {
	return stuckWay{stop: func(ctx context.Context, c net.Conn) error {
		go drain(c)
		if _, err := c.Write([]byte(text)); err != nil {
			return err
		}
		go func() {
			for ctx.Err() == nil {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		}()
		return nil
	}}
}

// envelope adds the beginning of a message of 4 GiB to a chunked body.
func envelope(head stuckWay) stuckWay {
	return stuckWay{stop: func(ctx context.Context, c net.Conn) error {
		if err := head.stop(ctx, c); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c, "5\r\n\x00\xff\xff\xff\xff\r\n")
		return err
	}}
}

// unread repeats a request and reads no answer, until nothing more goes out.
func unread(request string) stuckWay {
	return stuckWay{stop: func(_ context.Context, c net.Conn) error {
		_ = raw(c).SetReadBuffer(4 << 10)
		many := []byte(strings.Repeat(request, 100))
		for {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := c.Write(many); err != nil {
				return nil //nolint:nilerr // it is full, which is what was wanted
			}
		}
	}}
}
