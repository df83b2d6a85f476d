package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/meshtest"
)

func TestHelloAnswersAndStops(t *testing.T) {
	t.Parallel()
	address := meshtest.FreeAddress(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, address) }()

	if status := ask(t, address); status != http.StatusOK {
		t.Errorf("GetUser answers %d", status)
	}
	if page := look(t, address); !strings.Contains(page, `data-base="/console/"`) {
		t.Errorf("/console/ shows %s", page)
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

func look(t *testing.T, address string) string {
	t.Helper()
	client := &http.Client{Transport: new(http.Transport)}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + address + "/console/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
