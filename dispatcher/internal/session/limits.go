package session

import "time"

// The bounds of what is kept, all of it in memory: an hour of an operator is not worth a file that others could read. Where there are more, the oldest login and the session that is longest unused go.
const (
	LoginAge     = 10 * time.Minute
	IdleTime     = 12 * time.Hour
	LongestTime  = 7 * 24 * time.Hour
	MostLogins   = 64
	MostSessions = 256
	// Refused logins are answered and told to the audit log so many times at once, and one more each RefusedEvery. Beyond that
	// they are only refused. A token that is good is taken at any time: nobody can lock an operator out by guessing.
	RefusedBurst = 10
	RefusedEvery = 6 * time.Second
)
