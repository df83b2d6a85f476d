package endpoint

import "time"

// When endpoints are ejected, and for how long.
const (
	// Row is how many failures in a row eject an endpoint.
	Row = 5
	// EjectedFor is how long it is ejected the first time. Each time in a row is as much longer, up to MostTimes.
	EjectedFor = 10 * time.Second
	MostTimes  = 6
	// Proofs is how many probes in a row must go well until it is back.
	Proofs = 3
)

// standing is whether an endpoint is ejected. It knows no clock and no other endpoint; doc.go draws its states.
type standing struct {
	times  int   // ejections in a row, this one included
	until  int64 // until when it gets no call, and from when on probes; 0 while it serves
	back   int64 // when it came back last
	proofs int   // probes in a row that went well
	probed bool  // a probe is under way
	why    string
}

// length is how long so many ejections in a row last, the last of them.
func length(times int) int64 { return int64(min(times, MostTimes)) * int64(EjectedFor) }

// out reports whether it is ejected, or gets only probes.
func (s *standing) out() bool { return s.until != 0 }

// eject begins an ejection. It is one in a row unless the endpoint has served since for as long as the last one was.
func (s *standing) eject(now int64, why string) {
	if !s.out() && now-s.back >= length(s.times) {
		s.times = 0
	}
	s.times = min(s.times+1, MostTimes)
	s.until, s.proofs, s.probed, s.why = now+length(s.times), 0, false, why
}

// probe begins a probe, if the ejection is over and none is under way.
func (s *standing) probe(now int64) bool {
	if !s.out() || now < s.until || s.probed {
		return false
	}
	s.probed = true
	return true
}

// proved ends a probe that went well, and reports whether the endpoint is back.
func (s *standing) proved(now int64) bool {
	if !s.probed {
		return false
	}
	s.probed = false
	if s.proofs++; s.proofs < Proofs {
		return false
	}
	s.until, s.back = 0, now
	return true
}

// unproved ends a probe that tells nothing.
func (s *standing) unproved() { s.probed = false }

// refuted ends a probe that failed.
func (s *standing) refuted(now int64, why string) {
	if s.probed {
		s.eject(now, why)
	}
}
