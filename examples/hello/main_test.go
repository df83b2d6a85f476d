package main

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHelloAnswersAndStops(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, address) }()

	if status := ask(t, address); status != http.StatusOK {
		t.Errorf("GetUser answers %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// ask calls until the program listens.
func ask(t *testing.T, address string) int {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	patience := time.After(10 * time.Second)
	for {
		res, err := client.Post("http://"+address+"/shop.v1.UserService/GetUser", "application/json", strings.NewReader(`{"id":"u-1"}`))
		if err == nil {
			_ = res.Body.Close()
			return res.StatusCode
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience:
			t.Fatal(err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
