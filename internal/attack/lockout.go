package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// lockout is how long a new client waits while one address has 512 connections that will never go on, at the worst of the
// ways in which they are stuck.
func lockout(s *Stage) ([]Figure, error) {
	var parts []Figure
	first, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory")
	if err != nil {
		return nil, err
	}
	protocol := first.upgrade()
	first.kill()
	for name, text := range map[string]string{
		"silent": "",
		"head":   "POST " + getUser + " HTTP/1.1\r\nHost: x\r\n",
		"body":   "POST " + getUser + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/proto\r\nContent-Length: 1000\r\n\r\n",
		"http2":  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"link":   "POST " + linkPath + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n",
	} {
		wait, err := lockedOut(s, text)
		if err != nil {
			return parts, err
		}
		f := Figure{Name: "lockout_wait/" + name, Value: wait.Seconds(), Unit: "s"}
		if late := lag(); wait > time.Second && wait < time.Second+10*late {
			f.Busy = fmt.Sprintf("it wakes up %v late", late)
		}
		parts = append(parts, f)
	}
	return worst("lockout_wait", "s", parts), nil
}

// lockedOut fills a target with stuck connections and calls it, again and again for a while.
func lockedOut(s *Stage, text string) (longest time.Duration, err error) {
	t, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	if err != nil {
		return 0, err
	}
	defer t.kill()
	var stuck []net.Conn
	defer func() {
		for _, c := range stuck {
			_ = c.Close()
		}
	}()
	for range 512 {
		c, err := net.DialTimeout("tcp", t.Address, time.Second)
		if err != nil {
			break // it does not let more in
		}
		stuck = append(stuck, c)
		_, _ = c.Write([]byte(text))
	}
	tries := 5
	if s.Short {
		tries = 2
	}
	for range tries {
		began := time.Now()
		if err := callOnce(s.ctx, t, 20*time.Second); err != nil {
			return 20 * time.Second, s.ctx.Err()
		}
		longest = max(longest, time.Since(began))
	}
	return longest, nil
}

// callOnce calls a method on a connection of its own.
func callOnce(ctx context.Context, t *Target, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+getUser, strings.NewReader(`{"id":"u-1"}`))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := (&http.Transport{TLSClientConfig: t.tls, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	return nil
}
