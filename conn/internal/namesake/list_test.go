package namesake_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/conn/internal/namesake"
)

func TestList(t *testing.T) {
	t.Parallel()
	var l namesake.List
	now := time.Now()
	connected := namesake.Run{Session: "s", Place: "here"}
	if l.Note(namesake.Run{Session: "1", Place: "there", Seen: now}) || l.Conflict("a", connected) != "" {
		t.Error("a run that has ended is a conflict")
	}
	if !l.Note(namesake.Run{Session: "1", Place: "there", Seen: now, Proven: true}) || !l.Note(namesake.Run{Session: "1", Place: "there", Seen: now}) {
		t.Error("a run that was proven is not any more")
	}
	if got := l.Conflict("a", connected); !strings.Contains(got, `"a" is used by 2 processes: session s, here, is connected; session 1, there, is not`) {
		t.Errorf("the conflict is %q", got)
	}
	l.Drop("1")
	for i := range namesake.Most + 1 {
		l.Note(namesake.Run{Session: strconv.Itoa(i), Seen: now.Add(time.Duration(i))})
	}
	if l.Knows("0") || !l.Knows("1") {
		t.Error("the one not seen for longest stays")
	}
	l.Expire(now.Add(namesake.For + 2))
	if l.Knows("2") || !l.Knows("3") {
		t.Error("those not seen for long stay, or others go")
	}
}
