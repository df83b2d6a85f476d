package link

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// TestLifeIsTheTable walks every state and event and wants what the tables of doc.go say.
func TestLifeIsTheTable(t *testing.T) {
	t.Parallel()
	table := tableOfDoc(t, "state")
	if len(table) != states*eventsOfLife {
		t.Errorf("doc.go shows %d moves of a call, want %d states of %d events", len(table), states, eventsOfLife)
	}
	for from := range state(states) {
		for e := range event(eventsOfLife) {
			var l life
			l.at.Store(uint32(from))
			found, moved := l.on(e)
			if found != from {
				t.Errorf("%v found the state %v, want %v", e, found, from)
			}
			checkMove(t, table, from.String(), e.String(), l.state().String(), moved)
		}
	}
}

func TestReceiveLifeIsTheTable(t *testing.T) {
	t.Parallel()
	table := tableOfDoc(t, "half")
	if len(table) != receiveStates*arrivals {
		t.Errorf("doc.go shows %d moves of a half, want %d states of %d events", len(table), receiveStates, arrivals)
	}
	for from := range receiveState(receiveStates) {
		for a := range arrival(arrivals) {
			var l receiveLife
			l.at.Store(uint32(from))
			moved := l.on(a)
			checkMove(t, table, from.String(), a.String(), l.state().String(), moved)
		}
	}
}

func checkMove(t *testing.T, table map[[2]string]string, from, by, to string, moved bool) {
	t.Helper()
	want := table[[2]string{from, by}]
	switch {
	case want == "-" && (moved || to != from):
		t.Errorf("%s in %s is refused in doc.go, and moved to %s", by, from, to)
	case want != "-" && (!moved || to != want):
		t.Errorf("%s in %s leads to %q in doc.go, and to %s, moved: %v", by, from, want, to, moved)
	}
}

// tableOfDoc reads a table of doc.go that begins with a word: [state, event] to the next state, "-" if refused.
func tableOfDoc(t *testing.T, word string) map[[2]string]string {
	t.Helper()
	table := map[[2]string]string{}
	var events []string
	for _, fields := range linesOfDoc(t) {
		switch {
		case events == nil && len(fields) > 1 && fields[0] == word:
			events = fields[1:]
		case events != nil && len(fields) == 0:
			return table
		case events != nil && len(fields) != len(events)+1:
			t.Fatalf("row %q has not one field for each of %q", fields, events)
		case events != nil:
			for i, e := range events {
				table[[2]string{fields[0], e}] = fields[i+1]
			}
		}
	}
	t.Fatalf("doc.go has no table %q", word)
	return nil
}

func linesOfDoc(t *testing.T) (lines [][]string) {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.Fields(strings.TrimPrefix(line, "//")))
	}
	return lines
}

// TestDiagramsNameAll wants every state in a box and every event at an arrow of doc.go.
func TestDiagramsNameAll(t *testing.T) {
	t.Parallel()
	var drawn []string
	for _, fields := range linesOfDoc(t) {
		line := strings.Join(fields, " ")
		if strings.ContainsAny(line, "┌│▶▼└├") || strings.HasPrefix(line, "cancel, deadline") || strings.HasPrefix(line, "last popped") {
			drawn = append(drawn, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" ,:│├┤▶◀─┼", r) })...)
		}
	}
	for _, name := range slices.Concat(stateNames[:], eventNames[:], receiveNames[:], arrivalNames[:]) {
		if !slices.Contains(drawn, name) {
			t.Errorf("the diagrams of doc.go show no %q", name)
		}
	}
}

// TestOneEventEndsACall has all kinds of ends meet: one is not refused, and whoever loses sees what won.
func TestOneEventEndsACall(t *testing.T) {
	t.Parallel()
	for range 200 {
		var l life
		l.on(sentWhole)
		var mu sync.Mutex
		var winners []event
		var group sync.WaitGroup
		for _, e := range []event{sentEnd, gaveUp, timedOut, overLimit, linkLost} {
			group.Go(func() {
				if from, moved := l.on(e); moved {
					mu.Lock()
					defer mu.Unlock()
					winners = append(winners, e)
				} else if !from.over() {
					t.Errorf("%v was refused in %v", e, from)
				}
			})
		}
		group.Wait()
		if len(winners) != 1 || l.state() != moves[halfClosed][winners[0]] {
			t.Fatalf("%v ended the call, which is %v", winners, l.state())
		}
	}
}

// TestCallSize wants what a caller allocates for a call to stay in the size class of 512 bytes: one byte more costs 128 in
// each call.
func TestCallSize(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(clientStream{}); size > 512 {
		t.Errorf("a clientStream has %d bytes, more than 512", size)
	}
}
