package ledger

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"time"
)

// Outcome is how a call ended.
type Outcome struct {
	ID     uint64 `json:"id"`
	Client string `json:"client"`
	Front  string `json:"front,omitempty"` // the collector that was asked, where the client knows
	Write  bool   `json:"write,omitempty"` // of the method that may not be repeated
	// Planned is when it should have begun, and what its time is counted from.
	Planned int64 `json:"planned"`
	Began   int64 `json:"began"`
	Ended   int64 `json:"ended"`
	// Code is that of the failure; empty for an answer.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Reason is the mesh's word for it, if it is the mesh's.
	Reason string `json:"reason,omitempty"`
	// DidNotRun is whether the failure says so.
	DidNotRun bool `json:"didNotRun,omitempty"`
	// Answered is the id of the answer.
	Answered uint64 `json:"answered,omitempty"`
}

// OK tells whether it was answered.
func (o *Outcome) OK() bool { return o.Code == "" }

// Took is how long it took the user of the client.
func (o *Outcome) Took() time.Duration { return time.Duration(o.Ended - o.Planned) }

// WriteOutcomes writes what comes, until there is no more.
func WriteOutcomes(w io.Writer, outcomes <-chan Outcome) error {
	buffer := bufio.NewWriter(w)
	lines := json.NewEncoder(buffer)
	var failed error
	for o := range outcomes {
		if err := lines.Encode(o); err != nil {
			failed = err // go on: the clients must not wait
		}
	}
	if err := buffer.Flush(); failed == nil {
		failed = err
	}
	return failed
}

// readOutcomes reads a file of outcomes.
func readOutcomes(path string) (outcomes []Outcome, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := json.NewDecoder(bufio.NewReader(file))
	for {
		var o Outcome
		switch err := lines.Decode(&o); err {
		case nil:
			outcomes = append(outcomes, o)
		case io.EOF:
			return outcomes, nil
		default:
			return nil, err
		}
	}
}
