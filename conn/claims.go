package conn

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/uuid"

	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/keys"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/link"
)

// conflictLogEvery is how often the log tells that somebody claims the id of another.
const conflictLogEvery = time.Minute

// conflictFor is how long what a peer has told of a conflict is shown.
const conflictFor = 5 * time.Minute

// claims judges who may be which collector: by certificate, mesh secret and key when a link greets, and by whether the one
// that has the id is still there when it asks for the connection.
type claims struct {
	dir       *directory
	life      *lifetime.Lifetime
	logger    *slog.Logger
	proof     identity.Prover
	book      *keys.Book
	secrets   func() [][]byte // nil: none is wanted
	key       ed25519.PrivateKey
	ephemeral bool
	unbound   bool // proofs are not tied to TLS
}

// terms is how this end proves itself on a link, and whom it believes.
func (k *claims) terms(l *peerLink) link.Proof {
	p := link.Proof{
		Key: k.key, Ephemeral: k.ephemeral, Binding: l.way.Binding,
		Accept: func(peer link.Hello) error { return k.accept(l, peer) },
	}
	if k.unbound {
		p.Binding = nil
	}
	if k.secrets != nil {
		p.Secrets = k.secrets()
	}
	return p
}

// accept judges what the other end of a link has proved, before it may do anything else. Who shows the certificate of
// another collector is refused when it asks for the connection.
func (k *claims) accept(l *peerLink, peer link.Hello) error {
	if k.secrets != nil && !peer.Secret {
		return &link.Refusal{Reason: link.ReasonSecret, Text: "there is no mesh secret in force here, and one is wanted: see the log of " + k.dir.self.ID}
	}
	shown := k.shown(l, peer)
	if k.proof.Required() {
		l.proof = Proof(shown.Proof) // known keys are for those who have nothing better
		return nil
	}
	proof, err := k.book.Judge(shown, time.Now())
	if err != nil {
		k.refusedKey(peer.CollectorID, err)
		return &link.Refusal{Reason: errKeyChanged.Error(), Text: err.Error(), Cause: errKey(err)}
	}
	l.proof = Proof(proof)
	return nil
}

// shown is what an end has shown, without what is known of its key.
func (k *claims) shown(l *peerLink, peer link.Hello) keys.Shown {
	s := keys.Shown{ID: peer.CollectorID, Key: peer.Key, Ephemeral: peer.Ephemeral, From: l.origin.place()}
	switch {
	case k.proof.Required() && l.proven == peer.CollectorID:
		s.Proof = keys.Certificate
	case k.secrets != nil && peer.Secret:
		s.Proof = keys.Secret
	case l.dialed && (l.way.TLS || l.way.Loopback):
		s.Proof = keys.Dialled
	}
	return s
}

// errKey is what the other end is told of a key that is not taken.
func errKey(err error) error {
	switch {
	case errors.Is(err, keys.ErrChanged):
		return connect.NewError(connect.CodePermissionDenied, err.Error()).WithCause(errKeyChanged)
	case errors.Is(err, keys.ErrFull):
		return connect.Errorf(connect.CodeResourceExhausted, "%v: forget some that are no longer needed, see collector trust ls", err).WithCause(err)
	}
	return errStore(err)
}

// checkLinkless refuses an id that was seen to prove itself by a key, and a mesh with a secret: without a link nothing can be
// proved but by a certificate.
func (k *claims) checkLinkless(peer string) error {
	switch {
	case k.proof.Required():
		return nil
	case k.secrets != nil:
		return connect.Errorf(connect.CodePermissionDenied, "collector %q connects only with those who know the secret of its mesh, "+
			"which nobody can prove without a link: link with it, or use certificates", k.dir.self.ID).WithCause(errNoSecret)
	case k.book.Knows(peer):
		return connect.Errorf(connect.CodePermissionDenied, "collector %q is known by its key, which nobody can prove without a link: link, "+
			"or say where it is refused: collector trust forget %s", peer, peer).WithCause(errKeyChanged)
	}
	return nil
}

// refusedKey shows whoever looks at the connection that its id was claimed with another key.
func (k *claims) refusedKey(peer string, err error) {
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	c, ok := k.dir.conns[peer]
	if !ok || c.record == nil {
		k.logger.Warn("another key was refused", "peer", peer, "error", err)
		return
	}
	c.refusedKey = err.Error()
	k.tell(c)
}

// remember writes down the key of an end that is being agreed with. The turn is held, so that of two that come under one new
// id at once the second meets the key of the first.
func (k *claims) remember(ctx context.Context, l *peerLink) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := k.book.Remember(ctx, k.shown(l, l.peer), time.Now()); err != nil {
		k.logger.Warn("the key of a peer was not taken", "peer", l.peer.CollectorID, "error", err)
		return errKey(err)
	}
	return nil
}

// admit refuses a link that claims an id while another run of it is there: only the same key in a newer session may take
// its place. Asking the other run takes a second at most. The turn or the dialing of the connection is held.
func (k *claims) admit(ctx context.Context, c *connection, l *peerLink) error {
	k.dir.mu.Lock()
	current := c.linked()
	k.dir.mu.Unlock()
	if current == nil || current == l || succeeds(l.peer, current.peer) || !current.answers(ctx) {
		return nil
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	k.note(c, l, true)
	err := connect.Errorf(connect.CodeAlreadyExists,
		"collector id %q is in use: collector %q is connected with another process that has it (session %s, %s), this is session %s, %s; "+
			"stop one of them, or give each its own id", c.peer, k.dir.self.ID,
		current.peer.SessionID, current.place(), l.peer.SessionID, l.place()).WithCause(errInUse)
	k.life.Spawn(func(ctx context.Context) { current.tellConflict(ctx, errorText(err)) })
	return err
}

// succeeds reports whether a run may take the place of one that may still be there: the same run with another link, or a
// later one with the same key. A key proves the session that it signs.
func succeeds(fresh, old link.Hello) bool {
	return fresh.Key.Equal(old.Key) && (fresh.SessionID == old.SessionID || newer(fresh.SessionID, old.SessionID))
}

// newer reports whether one session began after another. Sessions are UUIDv7, which begin with their time; of one that a
// program has named otherwise nobody can tell.
func newer(fresh, old string) bool {
	f, err := uuid.Parse(fresh)
	o, oldErr := uuid.Parse(old)
	return err == nil && oldErr == nil && f.Version() == 7 && o.Version() == 7 && bytes.Compare(f[:], o[:]) > 0
}

// replaced notes that a link gave way to one of another run, finds out whether its own run has ended, tells both runs of each
// other if it has not, and retires the link. The state lock is held.
func (k *claims) replaced(c *connection, old *peerLink) {
	k.note(c, old, false)
	k.life.Spawn(func(ctx context.Context) {
		if old.answers(ctx) {
			k.tellRuns(ctx, c, old)
		}
		retire(k.life, old)
	})
}

// tellRuns tells a run whose link was replaced, and the one that is connected, that there are both.
func (k *claims) tellRuns(ctx context.Context, c *connection, old *peerLink) {
	k.dir.mu.Lock()
	k.note(c, old, true)
	current, conflict := c.linked(), c.doubles()
	k.dir.mu.Unlock()
	if conflict == "" {
		return
	}
	k.life.Spawn(func(ctx context.Context) { current.tellConflict(ctx, conflict) })
	old.tellConflict(ctx, conflict)
}

// note remembers a run that is not the one which is connected. The state lock is held.
func (k *claims) note(c *connection, l *peerLink, proven bool) {
	if current := c.linked(); current == nil || current.peer.SessionID == l.peer.SessionID {
		return
	}
	run := l.run()
	run.Seen, run.Proven = time.Now(), proven
	if c.namesakes.Note(run) {
		k.tell(c)
	}
}

// told takes what a peer says of another process under this collector's own id.
func (k *claims) told(peer, conflict string) {
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	if c, ok := k.dir.conns[peer]; ok && c.record != nil {
		k.doubt(c, conflict)
	}
}

// doubt notes what a peer says of another process under this collector's own id. The state lock is held.
func (k *claims) doubt(c *connection, says string) {
	c.toldOf, c.toldAt = says, time.Now()
	k.tell(c)
}

// tell shows a conflict to readers and, now and then, in the log and in the record, for the history. The state lock is held.
func (k *claims) tell(c *connection) {
	k.dir.publish(c)
	if now := time.Now(); now.Sub(c.toldConflict) >= conflictLogEvery {
		c.toldConflict, c.dirty = now, true
		k.logger.Warn("who is who is in doubt", "peer", c.peer, "conflict", c.conflict())
	}
}

// expire forgets conflicts that were not seen for long, and refused keys that are told of no longer. The state lock is held.
func (k *claims) expire(c *connection, now time.Time) {
	before := c.conflict()
	c.namesakes.Expire(now)
	if c.refusedKey != "" {
		c.refusedKey = k.book.Refused(c.peer, now)
	}
	if now.Sub(c.toldAt) >= conflictFor {
		c.toldOf = ""
	}
	if c.conflict() != before {
		k.dir.publish(c)
	}
}

// forget forgets the key of an id.
func (k *claims) forget(ctx context.Context, id string) (keys.Known, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	known, ok, err := k.book.Forget(ctx, id)
	if err != nil {
		return known, ok, errStore(err)
	}
	k.dir.mu.Lock()
	defer k.dir.mu.Unlock()
	if c := k.dir.conns[id]; c != nil && c.record != nil {
		k.expire(c, time.Now())
	}
	return known, ok, nil
}

// lines says how links are authenticated.
func (k *claims) lines() []string {
	public, _ := k.key.Public().(ed25519.PublicKey) //nolint:errcheck // it is one
	own := "this collector's key is " + keys.Fingerprint(public)
	if k.ephemeral {
		own += ", for this run: nobody remembers it"
	}
	switch {
	case k.proof.Required() && k.secrets != nil:
		return []string{"links need a certificate that names the collector, and the mesh secret", own}
	case k.proof.Required():
		return []string{"links need a certificate that names the collector", own}
	case k.secrets != nil:
		return []string{"links need the mesh secret, and of an id that is known its key", own}
	}
	return []string{"links come from this machine only, until there is a mesh secret or certificates, and of an id that is known they need its key", own}
}
