package link_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/collectiverpc/collective/conn/link"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

// received is an announcement as the other end got it.
type received struct {
	revision uint64
	catalog  []byte
}

func announced(cfg link.Config) (link.Config, chan received) {
	got := make(chan received, 100)
	cfg.OnCatalog = func(_ *link.Link, revision uint64, catalog []byte) { got <- received{revision, catalog} }
	return cfg, got
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	configA, gotA := announced(config("a", echo{}))
	configB, gotB := announced(config("b", echo{}))
	p := newPairWith(t, configA, configB)
	revision := uint64(0)
	for _, size := range []int{0, 1, 16 << 10, 1 << 20, 16 << 20} {
		for l, got := range map[*link.Link]chan received{p.a: gotB, p.b: gotA} {
			revision++
			want := bytes.Repeat([]byte{byte(revision)}, size)
			if err := l.Announce(revision, want); err != nil {
				t.Fatal(err)
			}
			if c := <-got; c.revision != revision || !bytes.Equal(c.catalog, want) {
				t.Errorf("catalog %d of %d bytes came as %d of %d bytes", revision, size, c.revision, len(c.catalog))
			}
		}
	}
	if err := p.a.Announce(revision+1, make([]byte, 16<<20+1)); err == nil {
		t.Error("a catalog of more than 16 MiB was announced")
	}
	if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
		t.Error(err)
	}
}

// TestAnnounceAtOnce announces from many goroutines. Parts of different catalogs must not mix, the newest must arrive,
// and none after a newer one.
func TestAnnounceAtOnce(t *testing.T) {
	t.Parallel()
	cfg, got := announced(config("b", echo{}))
	p := newPairWith(t, config("a", echo{}), cfg)
	var announcers sync.WaitGroup
	for revision := uint64(1); revision <= 50; revision++ {
		announcers.Go(func() {
			if err := p.a.Announce(revision, bytes.Repeat([]byte{byte(revision)}, 100_000)); err != nil {
				t.Error(err)
			}
		})
	}
	newest := uint64(0)
	for newest < 50 {
		c := <-got
		if c.revision <= newest {
			t.Errorf("revision %d came after %d", c.revision, newest)
		}
		newest = c.revision
		if !bytes.Equal(c.catalog, bytes.Repeat([]byte{byte(newest)}, 100_000)) {
			t.Fatalf("catalog %d is mixed with another", newest)
		}
	}
	announcers.Wait()
}

// TestSlowCatalog has a receiver that takes its time: it gets the newest next, and calls go on meanwhile.
func TestSlowCatalog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []uint64
		proceed := make(chan struct{})
		cfg := config("b", echo{})
		cfg.OnCatalog = func(_ *link.Link, revision uint64, _ []byte) {
			got = append(got, revision)
			<-proceed
		}
		p, _ := memoryPair(t, config("a", echo{}), cfg)
		for revision := uint64(1); revision <= 20; revision++ {
			if err := p.a.Announce(revision, nil); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Error(err)
		}
		close(proceed)
		synctest.Wait()
		if fmt.Sprint(got) != "[1 20]" {
			t.Errorf("delivered %v, want the first and the newest", got)
		}
	})
}

func TestAnnounceOnClosedLink(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.a.Close("test")
	wantLost(t, p.a.Announce(1, nil), false)
}
