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

// shown tells whether the user says who it is, by these or by headers of -H.
func (c Credentials) shown(env func(string) string, headers []string) bool {
	if c.TokenFile != "" || c.APIKeyFile != "" || tokenOf(env) != "" {
		return true
	}
	for _, text := range headers {
		if name := HeaderName(text); strings.EqualFold(name, authorizationHeader) || strings.EqualFold(name, apiKeyHeader) {
			return true
		}
	}
	return false
}

func tokenOf(env func(string) string) string {
	if env == nil {
		return ""
	}
	return env(TokenVariable)
}

// identify are the headers that say who the user is. They are refused where everybody on the way could read them.
func (c Credentials) identify(env func(string) string, way reach) ([]header, error) {
	var headers []header
	token, err := c.bearer(env)
	if err != nil {
		return nil, err
	}
	if token != "" {
		headers = append(headers, header{authorizationHeader, "Bearer " + token})
	}
	if c.APIKeyFile != "" {
		key, err := readSecret("--api-key-file", c.APIKeyFile)
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
func (c Credentials) bearer(env func(string) string) (string, error) {
	if c.TokenFile != "" {
		return readSecret("--token-file", c.TokenFile)
	}
	token := tokenOf(env)
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
