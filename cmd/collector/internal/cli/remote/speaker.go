package remote

import "bytes"

// speaker is what listens at an address, as far as its first bytes prove it.
type speaker string

const (
	speaksNothing speaker = "" // it said nothing
	speaksHTTP1   speaker = "HTTP/1"
	speaksHTTP2   speaker = "HTTP/2"
	speaksTLS     speaker = "TLS"
	speaksSSH     speaker = "SSH"
	speaksRedis   speaker = "Redis"
	speaksMail    speaker = "SMTP or FTP"
	speaksNATS    speaker = "NATS"
	speaksOther   speaker = "something else"
)

// openings are how protocols begin.
var openings = []struct {
	speaker speaker
	bytes   string
}{
	{speaksHTTP1, "HTTP/1."},
	{speaksTLS, "\x15\x03"}, // an alert
	{speaksTLS, "\x16\x03"}, // a handshake
	{speaksSSH, "SSH-"},
	{speaksRedis, "-ERR "},
	{speaksRedis, "-DENIED "},
	{speaksRedis, "-NOAUTH "},
	{speaksMail, "220 "},
	{speaksMail, "220-"},
	{speaksNATS, "INFO {"},
}

func speakerOf(beginning []byte) speaker {
	if len(beginning) == 0 {
		return speaksNothing
	}
	for _, opening := range openings {
		if bytes.HasPrefix(beginning, []byte(opening.bytes)) {
			return opening.speaker
		}
	}
	if isFrame(beginning) {
		return speaksHTTP2
	}
	return speaksOther
}

// isFrame knows the frames that an HTTP/2 server may begin with, both on stream 0: SETTINGS, or GOAWAY for a stranger.
func isFrame(b []byte) bool {
	const settings, goAway, headerLength = 4, 7, 9
	return len(b) >= headerLength && b[0] == 0 && (b[3] == settings || b[3] == goAway) && bytes.Equal(b[5:9], make([]byte, 4))
}
