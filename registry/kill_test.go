package registry_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/registry"
)

const registerUntilKilledEnv = "COLLECTIVE_TEST_REGISTER_UNTIL_KILLED"

// TestRegisterUntilKilled is not a test but the process that TestKillLosesNoRegistration kills: it registers services
// as fast as it can and prints each one once it is acknowledged.
func TestRegisterUntilKilled(t *testing.T) {
	path := os.Getenv(registerUntilKilledEnv)
	if path == "" {
		t.Skip("runs as a child of TestKillLosesNoRegistration")
	}
	r := newRegistry(t, registry.WithStore(openDB(t, path)))
	for i := len(listAll(t, r, "", 0)); t.Context().Err() == nil; i++ {
		dir := fmt.Sprintf("pkg%d", i)
		registerService(t, r, "n", protoFile(dir, "f", message("M"), service("S", dir+".M", "Do")))
		fmt.Println("acknowledged n/" + dir + ".S")
	}
}

func TestKillLosesNoRegistration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged := make(map[string]bool)
	for range 4 {
		registerAndKill(t, path, 1+rand.IntN(60), acknowledged)
		db := openDB(t, path) // also checks every page
		for _, id := range listAll(t, newRegistry(t, registry.WithStore(db)), "", 0) {
			delete(acknowledged, id)
		}
		if len(acknowledged) > 0 {
			t.Fatalf("lost %v", acknowledged)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// registerAndKill kills the registering process at some moment after that many acknowledged services.
func registerAndKill(t *testing.T, path string, after int, acknowledged map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRegisterUntilKilled$")
	child.Env = append(os.Environ(), registerUntilKilledEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		id, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			t.Fatalf("the child says %q", lines.Text())
		}
		acknowledged[id] = true
		if after--; after == 0 {
			time.AfterFunc(rand.N(3*time.Millisecond), func() { child.Process.Kill() })
		}
	}
	if after > 0 {
		t.Fatal("the child ended by itself")
	}
}
