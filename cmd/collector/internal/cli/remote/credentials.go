package remote

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// TokenVariable is the environment variable with a bearer token.
const TokenVariable = "COLLECTIVE_TOKEN"

// The headers by which a caller says who it is.
const (
	authorizationHeader = "Authorization"
	apiKeyHeader        = "X-Api-Key"
)

// Credentials are the files of the flags by which the user says who it is, empty for none. The secrets are not flags: command lines
// can be read by everybody on a machine.
type Credentials struct{ TokenFile, APIKeyFile string }

// showsCredentials tells whether the user says who it is.
func (t *Target) showsCredentials() bool {
	if t.TokenFile != "" || t.APIKeyFile != "" || t.Cert != "" || t.token() != "" {
		return true
	}
	for _, text := range t.Headers {
		if name := HeaderName(text); strings.EqualFold(name, authorizationHeader) || strings.EqualFold(name, apiKeyHeader) {
			return true
		}
	}
	return false
}

func (t *Target) token() string {
	if t.Env == nil {
		return ""
	}
	return t.Env(TokenVariable)
}

// identify are the headers that say who the user is. They are refused where everybody on the way could read them.
func (t *Target) identify(way reach) ([]header, error) {
	var headers []header
	token, err := t.bearer()
	if err != nil {
		return nil, err
	}
	if token != "" {
		headers = append(headers, header{authorizationHeader, "Bearer " + token})
	}
	if t.APIKeyFile != "" {
		key, err := readSecret("--api-key-file", t.APIKeyFile)
		if err != nil {
			return nil, err
		}
		headers = append(headers, header{apiKeyHeader, key})
	}
	if len(headers) > 0 && way.socket == "" && way.base.Scheme != "https" && !isThisMachine(way.base.Hostname()) {
		return nil, failure.Usagef("%s is not asked with a token or key without TLS: everybody on the way could read it", way.base).
			Hint("collector status -s " + withScheme(way.base, "https"))
	}
	return headers, nil
}

// bearer is the token of the flag, else of the environment.
func (t *Target) bearer() (string, error) {
	if t.TokenFile != "" {
		return readSecret("--token-file", t.TokenFile)
	}
	token := t.token()
	if !(header{authorizationHeader, token}).valid() {
		return "", failure.Usagef("%s has characters that no header can have", TokenVariable)
	}
	return token, nil
}

// mostSecret is more than any token that a collector takes.
const mostSecret = 64 << 10

// readSecret reads the one line of a file. What is in it is in no message.
func readSecret(flag, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", failure.Usagef("%s: %v", flag, err)
	}
	text, err := io.ReadAll(io.LimitReader(file, mostSecret+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return "", failure.Usagef("%s: %v", flag, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(text) > mostSecret || !(header{http.CanonicalHeaderKey(apiKeyHeader), secret}).valid() {
		return "", failure.Usagef("%s: %s does not have one line with the secret", flag, path)
	}
	return secret, nil
}
