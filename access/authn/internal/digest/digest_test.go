package digest_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/access/authn/internal/digest"
)

func TestOf_IsTheSHA256AndAllocatesNothing(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("token", 1000)} {
		if got := digest.Of(text); got != sha256.Sum256([]byte(text)) {
			t.Errorf("the digest of %d bytes is %x", len(text), got)
		}
		if n := testing.AllocsPerRun(100, func() { digest.Of(text) }); n != 0 {
			t.Errorf("%v allocations for %d bytes, want none", n, len(text))
		}
	}
}
