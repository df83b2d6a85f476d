package watch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/watch"
)

func TestHubReloadsAll(t *testing.T) {
	t.Parallel()
	var hub watch.Hub
	if read, err := hub.Reload(); read != nil || err != nil {
		t.Errorf("an empty hub: %q, %v", read, err)
	}
	bad := errors.New("line 3: what is this?")
	hub.Add("certificates", func() error { return nil })
	hub.Add("policies", func() error { return bad })
	remove := hub.Add("keys", func() error { return nil })
	read, err := hub.Reload()
	if !slices.Equal(read, []string{"certificates", "keys"}) || !errors.Is(err, bad) || !strings.Contains(err.Error(), "policies: line 3") {
		t.Errorf("%q, %v", read, err)
	}
	remove()
	remove()
	if read, _ := hub.Reload(); !slices.Equal(read, []string{"certificates"}) {
		t.Errorf("%q", read)
	}
}
