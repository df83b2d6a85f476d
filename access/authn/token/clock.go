package token

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// leeway is by how much clocks may differ. A token is valid for that much longer, and that much earlier.
const leeway = time.Minute

// clock knows by how much the clock of this collector is ahead of the issuer's. It is safe for concurrent use.
type clock struct {
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds; 0 where it is not known
}

// note takes the time of an answer, which has whole seconds.
func (c *clock) note(date string, asked, answered time.Time) {
	theirs, err := http.ParseTime(date)
	if err != nil {
		return
	}
	// The answer was made between question and answer, most likely in the middle, and within the second that it names.
	ours := asked.Add(answered.Sub(asked) / 2)
	c.ahead.Store(int64(ours.Sub(theirs.Add(time.Second / 2))))
}

// said is what there is to tell of it; empty as long as it does no harm.
func (c *clock) said(leeway time.Duration) string {
	ahead := time.Duration(c.ahead.Load()).Round(time.Second)
	switch {
	case ahead > leeway/2:
		return fmt.Sprintf("the clock of this collector is %v ahead of the issuer's", ahead)
	case ahead < -leeway/2:
		return fmt.Sprintf("the clock of this collector is %v behind the issuer's", -ahead)
	}
	return ""
}
