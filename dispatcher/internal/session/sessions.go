package session

import (
	"context"
	"crypto/subtle"
	"sync"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/internal/origin"
)

// Sessions are the logins and sessions of one collector. All methods are safe for concurrent use.
type Sessions struct {
	self  string // the collector's id
	audit func(access.Event)
	own   *origin.Pages // those of the origin of a request alone

	mu       sync.Mutex
	logins   map[digest]*login
	sessions map[digest]*Session // by cookie
	refused  bucket
}

// login is a link that nobody has opened yet.
type login struct {
	principal *access.Principal
	expires   time.Time
}

// Session is what a browser has that logged in. Its fields do not change but for used, which [Sessions] guards.
type Session struct {
	// Principal is who asked for the link.
	Principal *access.Principal
	// Ends is when it ends at the latest.
	Ends time.Time

	key     digest
	used    time.Time
	callers callers
}

// New makes the sessions of the collector self. audit is told of logins, refused ones too, and of logouts; it must not wait.
func New(self string, audit func(access.Event)) *Sessions {
	own, _ := origin.NewPages() // without listed ones it cannot fail
	return &Sessions{
		self: self, audit: audit, own: own,
		logins: make(map[digest]*login), sessions: make(map[digest]*Session),
		refused: bucket{most: RefusedBurst, every: RefusedEvery},
	}
}

// Issue makes a login for a principal, and says until when it can be used.
func (s *Sessions) Issue(principal *access.Principal) (token Secret, expires time.Time) {
	token, expires = newSecret(), time.Now().Add(LoginAge)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(time.Now())
	if len(s.logins) >= MostLogins {
		delete(s.logins, oldest(s.logins, func(l *login) time.Time { return l.expires }))
	}
	s.logins[digestOf(token.text)] = &login{principal: principal, expires: expires}
	return token, expires
}

// redeem makes a session of a login, once; nil if the token is not good.
func (s *Sessions) redeem(token string) (opened *Session, cookie, key Secret) {
	now, id := time.Now(), digestOf(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	l := s.logins[id]
	if l == nil {
		return nil, Secret{}, Secret{}
	}
	delete(s.logins, id)
	if len(s.sessions) >= MostSessions {
		delete(s.sessions, oldest(s.sessions, func(s *Session) time.Time { return s.used }))
	}
	cookie, key = newSecret(), newSecret()
	opened = &Session{Principal: l.principal, Ends: now.Add(LongestTime), key: digestOf(key.text), used: now}
	s.sessions[digestOf(cookie.text)] = opened
	return opened, cookie, key
}

// find is the session of a cookie and its key, which is used with that; nil if there is none.
func (s *Sessions) find(cookie, key string) *Session {
	now, proof := time.Now(), digestOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.live(cookie, now)
	if found == nil || subtle.ConstantTimeCompare(found.key[:], proof[:]) != 1 {
		return nil
	}
	found.used = now
	return found
}

// has reports whether a cookie is that of a session. It proves nothing without the key.
func (s *Sessions) has(cookie string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live(cookie, time.Now()) != nil
}

// live is the session of a cookie if it has not ended. Callers hold mu.
func (s *Sessions) live(cookie string, now time.Time) *Session {
	found := s.sessions[digestOf(cookie)]
	if found == nil || found.over(now) {
		return nil
	}
	return found
}

// end ends a session.
// What runs by it goes on: it was decided when it began.
func (s *Sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, digestOf(cookie))
}

// mayRefuse reports whether one more refused login is told of.
func (s *Sessions) mayRefuse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused.take(time.Now())
}

// forget removes what is over. Callers hold mu.
func (s *Sessions) forget(now time.Time) {
	for id, l := range s.logins {
		if now.After(l.expires) {
			delete(s.logins, id)
		}
	}
	for id, open := range s.sessions {
		if open.over(now) {
			delete(s.sessions, id)
		}
	}
}

// over reports whether it has ended by itself.
func (s *Session) over(now time.Time) bool {
	return now.After(s.Ends) || now.After(s.used.Add(IdleTime))
}

// Caller is the principal of the session as a caller by an origin, made once for each of the few that there are.
func (s *Session) Caller(origin access.Origin) *access.Caller {
	return s.callers.at(s.Principal, origin)
}

// oldest finds what makes room. There are few enough to look at all.
func oldest[V any](all map[digest]V, at func(V) time.Time) (found digest) {
	var first time.Time
	for id, v := range all {
		if t := at(v); first.IsZero() || t.Before(first) {
			found, first = id, t
		}
	}
	return found
}

// contextKey is where a request has its session.
type contextKey struct{}

// FromContext is the session that a request came with; nil for none.
func FromContext(ctx context.Context) *Session {
	s, _ := ctx.Value(contextKey{}).(*Session)
	return s
}

// Principal is that of the session that a request came with.
func Principal(ctx context.Context) (*access.Principal, bool) {
	s := FromContext(ctx)
	if s == nil {
		return nil, false
	}
	return s.Principal, true
}
