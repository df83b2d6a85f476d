package link_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
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

// announced has what an end announces in a channel, and takes it at once.
func announced(cfg link.Config) (link.Config, chan received) {
	got := make(chan received, 100)
	cfg.OnCatalog = func(l *link.Link, revision uint64, catalog []byte) {
		got <- received{revision, bytes.Clone(catalog)}
		l.Taken(revision, true)
	}
	return cfg, got
}

// takes has what the other end has taken in a channel.
func takes(cfg link.Config) (link.Config, chan taken) {
	got := make(chan taken, 100)
	cfg.OnTaken = func(_ *link.Link, revision uint64, holds bool) { got <- taken{revision, holds} }
	return cfg, got
}

// taken is an announcement that the other end is done with.
type taken struct {
	revision uint64
	holds    bool
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	configA, gotA := announced(config("a", echo{}))
	configB, gotB := announced(config("b", echo{}))
	configA, tookB := takes(configA)
	configB, tookA := takes(configB)
	p := newPairWith(t, configA, configB)
	revision := uint64(0)
	for _, size := range []int{0, 1, 16 << 10, 1 << 20, 16 << 20} {
		for _, end := range []struct {
			link *link.Link
			got  chan received
			took chan taken
		}{{p.a, gotB, tookB}, {p.b, gotA, tookA}} {
			revision++
			want := bytes.Repeat([]byte{byte(revision)}, size)
			if err := end.link.Announce(revision, want); err != nil {
				t.Fatal(err)
			}
			if c := <-end.got; c.revision != revision || !bytes.Equal(c.catalog, want) {
				t.Errorf("catalog %d of %d bytes came as %d of %d bytes", revision, size, c.revision, len(c.catalog))
			}
			if took := <-end.took; took != (taken{revision, true}) {
				t.Errorf("catalog %d was taken as %+v", revision, took)
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

// TestAnnounceAtOnce announces from many goroutines. All but one are refused, until it was taken.
func TestAnnounceAtOnce(t *testing.T) {
	t.Parallel()
	var next uint64
	got := make(chan received, 1)
	cfg := config("b", echo{})
	cfg.OnCatalog = func(_ *link.Link, revision uint64, catalog []byte) { got <- received{revision, bytes.Clone(catalog)} }
	configA, took := takes(config("a", echo{}))
	p := newPairWith(t, configA, cfg)
	for range 10 {
		var announced atomic.Int64
		var announcers sync.WaitGroup
		for i := range uint64(20) {
			revision := next + 1 + i
			announcers.Go(func() {
				if p.a.Announce(revision, bytes.Repeat([]byte{byte(revision)}, 100_000)) == nil {
					announced.Add(1)
				}
			})
		}
		announcers.Wait()
		c := <-got
		if announced.Load() != 1 || !bytes.Equal(c.catalog, bytes.Repeat([]byte{byte(c.revision)}, 100_000)) {
			t.Fatalf("%d were announced before one was taken, or they are mixed", announced.Load())
		}
		p.b.Taken(c.revision, false)
		if by := <-took; by != (taken{c.revision, false}) {
			t.Fatalf("%d was taken as %+v", c.revision, by)
		}
		next += 20
	}
	if err := p.a.Announce(1, nil); err == nil {
		t.Error("an earlier revision was announced")
	}
}

// TestLeavingOvertakes has a receiver that takes its time: who leaves may say so meanwhile, once, and calls go on.
func TestLeavingOvertakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []uint64
		proceed := make(chan struct{})
		cfg := config("b", echo{})
		cfg.OnCatalog = func(l *link.Link, revision uint64, _ []byte) {
			got = append(got, revision)
			<-proceed
			l.Taken(revision, true)
		}
		p, _ := memoryPair(t, config("a", echo{}), cfg)
		for _, step := range []struct {
			revision uint64
			size     int
			ok       bool
		}{{1, 1000, true}, {2, 65, false}, {3, 64, true}, {4, 0, false}} {
			if err := p.a.Announce(step.revision, make([]byte, step.size)); (err == nil) != step.ok {
				t.Errorf("%+v: %v", step, err)
			}
			synctest.Wait()
		}
		if _, err := p.client().Echo(t.Context(), &testingv1.EchoRequest{}); err != nil {
			t.Error(err)
		}
		close(proceed)
		synctest.Wait()
		if fmt.Sprint(got) != "[1 3]" {
			t.Errorf("delivered %v", got)
		}
		if err := p.a.Announce(5, make([]byte, 1000)); err != nil {
			t.Errorf("after all is taken: %v", err)
		}
		synctest.Wait()
	})
}

func TestAnnounceOnClosedLink(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.a.Close("test")
	wantLost(t, p.a.Announce(1, nil), false)
}
