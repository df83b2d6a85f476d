package lifetime_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
)

// One life after the other: what ran has ended, in order, before the next begins.
func TestEachLifeEndsWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log []string
		l := lifetime.New("a", func(ctx context.Context) {
			<-ctx.Done()
			log = append(log, "background")
		})
		for range 2 {
			log = nil
			ctx, end, err := l.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cut := make(chan struct{})
			l.Spawn(func(context.Context) { <-cut })
			context.AfterFunc(ctx, end)
			l.End("enough", false, func() {
				synctest.Wait()
				log = append(log, "cut")
				close(cut)
			}, func() { log = append(log, "settle") })
			if got := strings.Join(log, " "); got != "background cut settle" {
				t.Errorf("it ended in the order %s", got)
			}
			if _, closing := l.Closing(); closing {
				t.Error("no other life can begin")
			}
		}
	})
}

func TestNothingBeginsAfterTheEnd(t *testing.T) {
	t.Parallel()
	l := lifetime.New("a", func(context.Context) {})
	l.End("enough", true, func() {}, func() {})
	l.End("again", false, func() {}, func() {})
	<-l.Done()
	if l.Spawn(func(context.Context) { t.Error("it runs") }) {
		t.Error("a goroutine began")
	}
	if _, _, err := l.Begin(t.Context()); err == nil || !strings.Contains(err.Error(), `"a" is stopping`) {
		t.Errorf("an operation began: %v", err)
	}
}
