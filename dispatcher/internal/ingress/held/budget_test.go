package held

import (
	"testing"

	"connectrpc.com/connect/v2"
)

// What is given back can be taken again, and nothing is counted that was refused.
func TestBudget(t *testing.T) {
	t.Parallel()
	b := New(100)
	if err := b.Take(60); err != nil {
		t.Error(err)
	}
	if err := b.Take(41); connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("more than there is: %v", err)
	}
	if err := b.Take(40); err != nil || b.Held() != 100 {
		t.Errorf("all there is: %v, %d held", err, b.Held())
	}
	if b.Give(100); b.Held() != 0 {
		t.Errorf("%d held after all was given back", b.Held())
	}
}
