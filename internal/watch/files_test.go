package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/watch"
)

// patience is far more than a change needs, on a machine that is busy.
const patience = 30 * time.Second

// files is a directory in which a test changes things, and what a watcher said of it.
type files struct {
	t    *testing.T
	dir  string
	told chan struct{}
	stop func()
}

// watching watches names in a new directory that prepare fills.
func watching(t *testing.T, prepare func(*files), names ...string) *files {
	t.Helper()
	f := &files{t: t, dir: t.TempDir(), told: make(chan struct{}, 100)}
	if prepare != nil {
		prepare(f)
	}
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = f.path(name)
	}
	f.stop = watch.Files(t.Context(), paths, func() { f.told <- struct{}{} })
	t.Cleanup(f.stop)
	return f
}

func (f *files) path(name string) string { return filepath.Join(f.dir, name) }

func (f *files) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *files) write(name, text string) {
	f.t.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o700))
	f.must(os.WriteFile(f.path(name), []byte(text), 0o600))
}

func (f *files) link(target, name string) {
	f.t.Helper()
	f.must(os.Symlink(target, f.path(name)))
}

// rename renames a new file or link over one, as editors and Kubernetes do.
func (f *files) rename(from, to string) {
	f.t.Helper()
	f.must(os.Rename(f.path(from), f.path(to)))
}

// hears waits for the next call.
func (f *files) hears(what string) {
	f.t.Helper()
	select {
	case <-f.told:
	case <-time.After(patience):
		f.t.Fatalf("%s: nothing was told", what)
	}
}

// Every way in which a file comes to have other contents is told, each once, and the next one after it too.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	pod := func(f *files) { // as the kubelet mounts a secret
		f.write("..1/cert", "1")
		f.link("..1", "..data")
		f.link("..data/cert", "cert")
	}
	live := func(f *files) { // as certbot keeps certificates
		f.write("archive/cert1", "1")
		f.write("archive/cert2", "2")
		f.write("live/readme", "")
		f.link("../archive/cert1", "live/cert")
	}
	for name, tt := range map[string]struct {
		prepare func(*files)
		watched string
		changes []func(*files)
	}{
		"written in place": {func(f *files) { f.write("cert", "1") }, "cert", []func(*files){
			func(f *files) { f.write("cert", "2") },
			func(f *files) { f.write("cert", "3") },
		}},
		"renamed over": {func(f *files) { f.write("cert", "1") }, "cert", []func(*files){
			func(f *files) { f.write("new", "2"); f.rename("new", "cert") },
			func(f *files) { f.write("new", "3"); f.rename("new", "cert") },
		}},
		"missing, then made and taken away": {nil, "cert", []func(*files){
			func(f *files) { f.write("cert", "1") },
			func(f *files) { f.must(os.Remove(f.path("cert"))) },
		}},
		"its directories are missing": {nil, "a/b/cert", []func(*files){
			func(f *files) { f.write("a/b/cert", "1") },
			func(f *files) { f.write("a/b/cert", "2") },
		}},
		"its directory is replaced": {func(f *files) { f.write("pki/cert", "1") }, "pki/cert", []func(*files){
			func(f *files) { f.rename("pki", "old"); f.write("new/cert", "2"); f.rename("new", "pki") },
			func(f *files) { f.write("pki/cert", "3") },
		}},
		"Kubernetes swaps ..data": {pod, "cert", []func(*files){
			func(f *files) { f.write("..2/cert", "2"); f.link("..2", "..tmp"); f.rename("..tmp", "..data") },
			func(f *files) {
				f.must(os.RemoveAll(f.path("..1")))
				f.write("..3/cert", "3")
				f.link("..3", "..tmp")
				f.rename("..tmp", "..data")
			},
		}},
		"Kubernetes, seen from within": {pod, "..data/cert", []func(*files){
			func(f *files) { f.write("..2/cert", "2"); f.link("..2", "..tmp"); f.rename("..tmp", "..data") },
			func(f *files) { f.write("..2/cert", "3") },
		}},
		"a link leads to another directory": {live, "live/cert", []func(*files){
			func(f *files) { f.write("archive/cert1", "1a") },
			func(f *files) { f.link("../archive/cert2", "live/new"); f.rename("live/new", "live/cert") },
			func(f *files) { f.write("archive/cert2", "2a") },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := watching(t, tt.prepare, tt.watched)
			for i, change := range tt.changes {
				change(f)
				f.hears(name + ", change " + string(rune('1'+i)))
			}
		})
	}
}

// A burst of writes is told once or twice, not once for each, and what happens beside the files, or leaves their contents the
// same, is not told at all.
func TestBurstsAreToldOnce(t *testing.T) {
	t.Parallel()
	const writes = 200
	f := watching(t, func(f *files) { f.write("cert", "1"); f.write("key", "1") }, "cert", "key")
	f.write("log", "something else")
	f.write("cert", "1")
	for i := range writes {
		f.write("cert", strconv.Itoa(i))
		f.write("key", strconv.Itoa(i))
	}
	f.hears("a burst")
	f.stop()
	if again := len(f.told); again > writes/10 {
		t.Errorf("%d writes were told %d times", 2*writes, 1+again)
	}
}

// Nothing is told after ctx is done, and stop returns only when changed does.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "cert")
	entered, leave, left := make(chan struct{}), make(chan struct{}), false
	stop := watch.Files(ctx, []string{path}, func() {
		close(entered) // panics when it is called twice
		<-leave
		left = true
	})
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-entered
	cancel()
	if err := os.WriteFile(path, []byte("2"), 0o600); err != nil {
		t.Fatal(err)
	}
	close(leave)
	stop()
	stop()
	if !left {
		t.Error("stop did not wait for changed")
	}
}

// A loop of symlinks ends.
func TestLinksThatLeadNowhere(t *testing.T) {
	t.Parallel()
	f := watching(t, func(f *files) { f.link("b", "a"); f.link("a", "b") }, "a")
	f.must(os.Remove(f.path("a")))
	f.write("a", "1")
	f.hears("a loop that is taken away")
}
