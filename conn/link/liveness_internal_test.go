package link

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// TestLateTicks has a process that is too busy for its own ticks, so that an answer may lie there unread. Four ticks in
// time give up a silent end, and so do 15 s whatever the ticks.
func TestLateTicks(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]time.Duration{"for a while": 10 * time.Second, "all the time": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newLiveness(outbox.New(1<<20, true, nil), nil, nil)
				v.due = pingAfter
				v.timer = time.AfterFunc(time.Hour, func() {})
				defer v.timer.Stop()
				var err error
				for err == nil {
					late := time.Duration(0)
					if v.now() < busy {
						late = 2 * maxLate
					}
					<-time.After(v.due - v.now() + late)
					err = v.check()
				}
				least, most := busy+pingWait-pingWait/pingTicks, busy+pingWait+pingWait/pingTicks+2*maxLate
				if busy > maxSilence {
					least, most = maxSilence, maxSilence+pingWait
				}
				if at := v.now(); !errors.Is(err, ErrSilent) || at < least || at > most {
					t.Errorf("%v after %v, want silence noticed from %v to %v", err, at, least, most)
				}
			})
		})
	}
}
