package shop_test

import (
	"context"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/meshtest"
)

// The three programs, each with one service, make one shop: any of them answers for all.
func TestProgramsMakeOneShop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "./users", "./orders", "./inventory")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	users := meshtest.FreeAddress(t)
	start(t, filepath.Join(dir, "users"), "-listen", users)
	client := &http.Client{Transport: new(http.Transport), Timeout: time.Second}
	t.Cleanup(client.CloseIdleConnections)
	await(t, client, users, "UserService/GetUser", `{"id":"u-1"}`)
	start(t, filepath.Join(dir, "orders"), "-listen", meshtest.FreeAddress(t), "-join", users)
	start(t, filepath.Join(dir, "inventory"), "-listen", meshtest.FreeAddress(t), "-join", users)
	await(t, client, users, "OrderService/CreateOrder", `{"sku":"tea","qty":2}`)
	await(t, client, users, "InventoryService/ReserveStock", `{"sku":"tea","qty":2}`)
}

// start runs a program until the test ends, and expects it to stop in good order then.
func start(t *testing.T, program string, args ...string) {
	t.Helper()
	command := exec.Command(program, args...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("%s: %v", program, err)
		}
	})
}

// await calls until it is answered.
func await(t *testing.T, client *http.Client, address, method, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		res, err := client.Post("http://"+address+"/shop.v1."+method, "application/json", strings.NewReader(body))
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%s is not answered: %v, %v", method, res, err)
		}
	}
}
