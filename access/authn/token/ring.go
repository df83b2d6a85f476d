package token

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

const (
	refreshAfter = 15 * time.Minute // a set is read again when it is this old, so that a withdrawn key ends
	retryAfter   = 10 * time.Second // at least between two reads, whatever callers send
	readTimeout  = 5 * time.Second
)

// errTooSoon is for a read that was not tried.
var errTooSoon = errors.New("it was read a moment ago")

// ring holds the last key set of an issuer. It is safe for concurrent use.
type ring struct {
	issuer string
	source source
	remote bool // it is read again by itself; a file is when somebody says so
	now    func() time.Time
	log    *slog.Logger
	life   context.Context //nolint:containedctx // of the reads, which no caller owns; it ends with the authenticator
	reads  *sync.WaitGroup

	set atomic.Pointer[keySet] // nil before the first
	due atomic.Int64           // Unix nanoseconds when the set is to be read again

	mu      sync.Mutex
	flight  *flight   // the read that goes on; nil without one
	tried   time.Time // when the last began
	failure error     // of the last read; nil if it went well
}

// flight is a read for which several may wait.
type flight struct {
	done chan struct{}
	err  error // once done is closed
}

// find is the keys that may have signed a token, and the set they are of. It reads the set again if it has none such, or no
// set, and waits for that until ctx is done.
func (r *ring) find(ctx context.Context, id string, algorithm jose.SignatureAlgorithm) ([]jose.JSONWebKey, *keySet, error) {
	set := r.set.Load()
	if keys := set.find(id, algorithm); len(keys) > 0 {
		return keys, set, nil
	}
	// An unknown key is either forged or new. The issuer knows, and is asked seldom enough that forging cannot hurt it.
	err := r.refresh(ctx)
	if set = r.set.Load(); set == nil {
		return nil, nil, r.unavailable(err)
	}
	keys := set.find(id, algorithm)
	if len(keys) == 0 {
		return nil, nil, r.unknownKey()
	}
	return keys, set, nil
}

func (r *ring) unavailable(cause error) error {
	return authn.Later(mesh.ReasonKeysUnavailable, cause,
		"the keys of the issuer %s could not be read yet, so that no token of it can be verified: try again in %v; the log of the collector says what fails",
		r.issuer, retryAfter)
}

func (r *ring) unknownKey() error {
	return authn.Refuse(mesh.ReasonTokenSignature,
		"the token is signed with no key that the issuer %s has now: get a new token. New keys of an issuer are known within %v",
		r.issuer, retryAfter)
}

// touch reads the set again behind the back of callers when it is old.
func (r *ring) touch(now time.Time) {
	if r.remote && now.UnixNano() >= r.due.Load() {
		_, _ = r.begin(false)
	}
}

// refresh reads the set and waits for it. A read that goes on already will do.
func (r *ring) refresh(ctx context.Context) error {
	if !r.remote {
		return errTooSoon
	}
	current, err := r.begin(false)
	if err != nil {
		return err
	}
	select {
	case <-current.done:
		return current.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// begin starts a read, unless one goes on or, without force, the last began a moment ago.
func (r *ring) begin(force bool) (*flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	switch {
	case r.flight != nil:
		return r.flight, nil
	case r.life.Err() != nil:
		return nil, context.Cause(r.life)
	case !force && !r.tried.IsZero() && now.Sub(r.tried) < retryAfter && !now.Before(r.tried):
		return nil, errors.Join(errTooSoon, r.failure)
	}
	// The read belongs to the ring and not to the caller who led to it: one that goes away must not end it for the others.
	current := &flight{done: make(chan struct{})}
	r.flight, r.tried = current, now
	r.due.Store(now.Add(retryAfter).UnixNano())
	r.reads.Go(func() { r.fly(current) })
	return current, nil
}

func (r *ring) fly(current *flight) {
	ctx, cancel := context.WithTimeout(r.life, readTimeout)
	defer cancel()
	current.err = r.load(ctx)
	r.mu.Lock()
	r.flight = nil
	r.mu.Unlock()
	close(current.done)
}

// load reads the set, and keeps the one there is if that fails.
func (r *ring) load(ctx context.Context) error {
	data, err := r.source.read(ctx)
	if err != nil {
		return r.keep(err)
	}
	set, err := parseKeys(data, r.now())
	if err != nil {
		return r.keep(err)
	}
	r.take(set)
	return nil
}

// take makes a set the current one. One with the same keys stays the same set, so that verified tokens stay remembered.
func (r *ring) take(set *keySet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.set.Load()
	again := r.failure != nil
	r.failure = nil
	if known != nil && known.digest == set.digest {
		set = known.at(set.read)
	}
	r.set.Store(set)
	r.due.Store(set.read.Add(refreshAfter).UnixNano())
	if changed := known == nil || known.digest != set.digest; changed || again {
		r.log.Info("keys of a token issuer", "issuer", r.issuer, "keys", len(set.keys), "ignored", set.ignored, "changed", changed)
	}
}

// keep notes that a read failed. It is logged when that begins; of a file whoever has it read is told.
func (r *ring) keep(err error) error {
	if r.life.Err() != nil { // it was ended here, which says nothing of the issuer
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.failure == nil
	r.failure = err
	if !first || !r.remote {
		return err
	}
	if set := r.set.Load(); set != nil {
		r.log.Warn("keys of a token issuer cannot be read again: those that are known are kept",
			"issuer", r.issuer, "keys", len(set.keys), "read", set.read, "error", err)
	} else {
		r.log.Warn("keys of a token issuer cannot be read: its tokens are refused until they can", "issuer", r.issuer, "error", err)
	}
	return err
}

// trouble says for people that the keys cannot be read; empty while they can.
func (r *ring) trouble() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	// It fails closed at the start, when no set was ever read, and open to those that were read later: an issuer that is out of
	// reach for an hour must not lock out who has a token of the hour before.
	switch set := r.set.Load(); {
	case r.failure == nil:
		return ""
	case set == nil:
		return fmt.Sprintf("none, its tokens are refused: %v", r.failure)
	default:
		return fmt.Sprintf("those of %s are in force, reading them again failed: %v", set.read.UTC().Format(time.RFC3339), r.failure)
	}
}

// line says for people how the ring is.
func (r *ring) line() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	set := r.set.Load()
	switch {
	case set == nil && r.failure != nil:
		return fmt.Sprintf("NO KEYS, every token is refused: %v", r.failure)
	case set == nil:
		return "keys not read yet"
	case r.failure != nil:
		return fmt.Sprintf("%d keys KEPT from %s, since reading them again failed: %v", len(set.keys), set.read.UTC().Format(time.RFC3339), r.failure)
	}
	return fmt.Sprintf("%d keys of %s", len(set.keys), set.read.UTC().Format(time.RFC3339))
}
