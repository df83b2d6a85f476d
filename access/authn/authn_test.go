package authn_test

import (
	"errors"
	"fmt"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access/authn"
	"github.com/collectiverpc/collective/mesh"
)

// What a program makes of a refusal: the word, and whether another try may do.
func ExampleLater() {
	err := authn.Later(mesh.ReasonKeysUnavailable, errors.New("dial tcp 10.0.0.7:443: connection refused"),
		"the keys of https://login.example cannot be read yet: try again in some seconds")
	fmt.Println(mesh.ReasonOf(err), err.Code())
	fmt.Println(err.Message())
	// Output:
	// keys_unavailable unavailable
	// the keys of https://login.example cannot be read yet: try again in some seconds
}

func TestOne_RefusesARepeatedHeader(t *testing.T) {
	t.Parallel()
	if got, err := authn.One("Authorization", nil); got != "" || err != nil {
		t.Errorf("a header that is not sent is %q, %v, want nothing", got, err)
	}
	if got, err := authn.One("Authorization", []string{"Bearer a"}); got != "Bearer a" || err != nil {
		t.Errorf("a header that is sent once is %q, %v", got, err)
	}
	for _, values := range [][]string{{"Bearer a", "Bearer b"}, {"Bearer a", "Bearer a"}, {"", ""}, {"a", "b", "c"}} {
		_, err := authn.One("Authorization", values)
		if mesh.ReasonOf(err) != mesh.ReasonCredentialsRepeated || connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%d lines: %v, want credentials_repeated", len(values), err)
		}
	}
}

func TestScheme_ComparesAsHTTPDoes(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "BEARER   abc": "abc", "Bearer": "", "Bearer ": "", "Bearer a b": "a b",
	} {
		if got, ok := authn.Scheme(header, "Bearer"); !ok || got != want {
			t.Errorf("%q is %q, %v, want %q", header, got, ok, want)
		}
	}
	for _, header := range []string{"", "Basic abc", "Bearerabc", " Bearer abc", "Bearer\tabc"} {
		if got, ok := authn.Scheme(header, "Bearer"); ok {
			t.Errorf("%q is taken for a bearer token: %q", header, got)
		}
	}
}

func TestRefuse_KeepsTheCauseOfALaterOneHere(t *testing.T) {
	t.Parallel()
	cause := errors.New("10.0.0.7 refused")
	err := authn.Later(mesh.ReasonKeysUnavailable, cause, "not yet")
	if !errors.Is(err, cause) || err.Message() != "not yet" {
		t.Errorf("the message is %q, cause kept: %v", err.Message(), errors.Is(err, cause))
	}
}
