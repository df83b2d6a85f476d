package keys

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// Most is how many keys are known.
	Most = 4096
	// forgetAfter is how long a key must not have been seen that makes room for another one when there are too many. Whoever
	// fills the book cannot make this one forget whom it met lately.
	forgetAfter = 30 * 24 * time.Hour
	// seenEvery is how often it is written down that a key was seen.
	seenEvery = time.Hour
	// tellFor is for how long a refused key is told of.
	tellFor = 24 * time.Hour
)

var (
	// ErrChanged says that an id was shown another key than the known one.
	ErrChanged = errors.New("the key is another one than the known one")
	// ErrFull says that no more keys can be known.
	ErrFull = fmt.Errorf("%d keys of collectors are known here, which is all there may be", Most)
)

// Known is a known key.
type Known struct {
	ID                  string
	Key                 ed25519.PublicKey
	Proof               Proof // the best that was ever shown with it
	FirstSeen, LastSeen time.Time
}

// Refusal is the last other key that was shown under a known id.
type Refusal struct {
	Key  ed25519.PublicKey
	From string // where it was shown, in words
	At   time.Time
}

// Entry is a known key, and what was refused because of it.
type Entry struct {
	Known
	Refused *Refusal // nil for nothing lately
}

// Store is where known keys are kept.
type Store interface {
	PutKey(ctx context.Context, known Known) error
	ForgetKey(ctx context.Context, id string) error
	ListKeys(ctx context.Context) ([]Known, error)
}

// Book is the known keys, in memory and in a store. All methods are safe for concurrent use; no lock is held over a write.
// Writes for one id are the caller's to put in order.
type Book struct {
	store Store

	mu      sync.Mutex
	known   map[string]Known
	refused map[string]Refusal // by known id
}

// Open reads the keys that are known from before.
func Open(ctx context.Context, store Store) (*Book, error) {
	list, err := store.ListKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("load known keys: %w", err)
	}
	b := &Book{store: store, known: make(map[string]Known, len(list)), refused: make(map[string]Refusal)}
	for _, known := range list {
		b.known[known.ID] = known
	}
	return b, nil
}

// Shown is what the other end of a link has shown.
type Shown struct {
	ID        string
	Key       ed25519.PublicKey
	Ephemeral bool
	Proof     Proof  // without what is known of the key: None, Dialled, Secret or Certificate
	From      string // where it is, in words
}

// Judge returns how the other end is proved by all that is known, or [ErrChanged] in a chain if it shows another key than
// that of its id. A certificate names the id by itself: it outweighs a known key.
func (b *Book) Judge(s Shown, now time.Time) (Proof, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.known[s.ID]
	switch {
	case s.Proof == Certificate:
		return Certificate, nil
	case !ok && s.Ephemeral:
		return s.Proof, nil
	case !ok:
		return Best(s.Proof, FirstUse), nil
	case !known.Key.Equal(s.Key):
		b.refused[s.ID] = Refusal{Key: s.Key, From: s.From, At: now}
		return None, &ChangedError{ID: s.ID, Known: known.Key, Shown: s.Key, From: s.From}
	case known.Proof.Proven():
		return Best(s.Proof, KnownKey), nil
	}
	return Best(s.Proof, FirstUse), nil
}

// Remember writes down that an end with this key was met, before it is agreed with. An ephemeral key is none to remember.
func (b *Book) Remember(ctx context.Context, s Shown, now time.Time) error {
	if s.Ephemeral || len(s.Key) == 0 {
		_, err := b.Judge(s, now) // another may have come first
		return err
	}
	next, former, changed, err := b.enter(s, now)
	if err != nil || !changed {
		return err
	}
	if err := b.store.PutKey(ctx, next); err != nil {
		b.restore(s.ID, former)
		return err
	}
	return nil
}

// enter makes an entry, and says what there was before it and whether it has to be written. Another key takes the place of
// a known one only by a certificate.
func (b *Book) enter(s Shown, now time.Time) (next Known, former *Known, changed bool, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known, ok := b.known[s.ID]
	next = Known{ID: s.ID, Key: s.Key, Proof: Best(s.Proof, FirstUse), FirstSeen: now, LastSeen: now}
	if ok {
		former = &known
	}
	switch {
	case ok && known.Key.Equal(s.Key):
		next.FirstSeen, next.Proof = known.FirstSeen, Best(known.Proof, next.Proof)
		changed = next.Proof != known.Proof || now.Sub(known.LastSeen) >= seenEvery
	case ok && s.Proof != Certificate:
		return next, nil, false, &ChangedError{ID: s.ID, Known: known.Key, Shown: s.Key, From: s.From}
	case !ok && len(b.known) >= Most && !b.makeRoom(now):
		return next, nil, false, ErrFull
	default:
		changed = true
	}
	b.known[s.ID] = next
	return next, former, changed, nil
}

// makeRoom forgets the key that was not seen for longest, if that is long. mu is held. The store drops it with the next
// write: it keeps no more than [Most] either.
func (b *Book) makeRoom(now time.Time) bool {
	oldest := slices.MinFunc(slices.Collect(maps.Values(b.known)), func(x, y Known) int { return x.LastSeen.Compare(y.LastSeen) })
	if now.Sub(oldest.LastSeen) < forgetAfter {
		return false
	}
	delete(b.known, oldest.ID)
	delete(b.refused, oldest.ID)
	return true
}

func (b *Book) restore(id string, former *Known) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if former == nil {
		delete(b.known, id)
		return
	}
	b.known[id] = *former
}

// Knows reports whether a key of an id is known.
func (b *Book) Knows(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.known[id]
	return ok
}

// Vouched reports whether a key of an id is known that somebody has vouched for.
func (b *Book) Vouched(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[id].Proof.Proven()
}

// Forget forgets the key of an id: the next one that comes under it is taken. It reports whether one was known.
func (b *Book) Forget(ctx context.Context, id string) (Known, bool, error) {
	b.mu.Lock()
	known, ok := b.known[id]
	b.mu.Unlock()
	if !ok {
		return known, false, nil
	}
	if err := b.store.ForgetKey(ctx, id); err != nil {
		return known, true, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.known, id)
	delete(b.refused, id)
	return known, true, nil
}

// Refused says which other key was shown under an id lately; empty for none.
func (b *Book) Refused(id string, now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	refusal, ok := b.refused[id]
	if !ok || now.Sub(refusal.At) >= tellFor {
		return ""
	}
	return (&ChangedError{ID: id, Known: b.known[id].Key, Shown: refusal.Key, From: refusal.From}).Error()
}

// List returns all that is known, by id.
func (b *Book) List(now time.Time) []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Entry, 0, len(b.known))
	for id, known := range b.known {
		entry := Entry{Known: known}
		if refusal, ok := b.refused[id]; ok && now.Sub(refusal.At) < tellFor {
			entry.Refused = &refusal
		}
		list = append(list, entry)
	}
	slices.SortFunc(list, func(x, y Entry) int { return cmp.Compare(x.ID, y.ID) })
	return list
}

// ChangedError is [ErrChanged], in words that help.
type ChangedError struct {
	ID           string
	Known, Shown ed25519.PublicKey
	From         string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("the key of collector %q has changed: it is known by %s, and %s showed %s; somebody else may be using its id. "+
		"If it was set up anew, say so here: collector trust forget %s", e.ID, Fingerprint(e.Known), e.From, Fingerprint(e.Shown), e.ID)
}

// Is makes it [ErrChanged].
func (e *ChangedError) Is(target error) bool { return target == ErrChanged }
