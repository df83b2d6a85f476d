package store_test

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	sqlite3 "github.com/mattn/go-sqlite3"
	"go.uber.org/goleak"

	"github.com/collectiverpc/collective/store"
)

const holdEnv = "COLLECTIVE_TEST_HOLD_STORE"

// The test binary runs itself again as the process that has the file.
func TestMain(m *testing.M) {
	if path := os.Getenv(holdEnv); path != "" {
		hold(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// hold opens a store, says so, and keeps it until it is killed or its standard input ends.
func hold(path string) {
	file, err := store.Open(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = file.Close()
}

// connector opens a database as another program does.
type connector string

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.Driver().Open(string(c)) }

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func TestAStoreHasOneProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	link := filepath.Join(t.TempDir(), "another name.db")
	for range 3 { // what the killed one leaves is in nobody's way
		owner := holder(t, path)
		if err := os.Symlink(path, link); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		for _, name := range []string{path, link} {
			_, err := store.Open(name)
			if !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), fmt.Sprintf("process %d has it open", owner.Process.Pid)) {
				t.Errorf("Open(%s): %v, want ErrOwned and process %d", name, err, owner.Process.Pid)
			}
		}
		check(t, owner.Process.Kill())
		_ = owner.Wait()
		file, err := store.Open(path)
		check(t, err)
		if _, err := store.Open(link); !errors.Is(err, store.ErrOwned) || !strings.Contains(err.Error(), "this process has it open already") {
			t.Errorf("a second time in one process: %v", err)
		}
		check(t, file.Close())
	}
	if left := contents(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("after Close there are %v, want the file alone", left)
	}
}

// holder is a process that has the file open.
func holder(t *testing.T, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	_, err := cmd.StdinPipe()
	check(t, err)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}

// Of many that open a file at once, never two have it.
func TestManyOpenAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	var group sync.WaitGroup
	var owners, opened atomic.Int32
	for range 8 {
		group.Go(func() {
			for range 20 {
				file, err := store.Open(path)
				if errors.Is(err, store.ErrOwned) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				opened.Add(1)
				if owners.Add(1) != 1 {
					t.Error("two have it")
				}
				owners.Add(-1)
				if err := file.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if opened.Load() == 0 {
		t.Error("nobody got it")
	}
}
