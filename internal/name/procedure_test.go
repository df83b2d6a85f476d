package name_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/name"
)

func ExampleSplitProcedure() {
	service, method, err := name.SplitProcedure("/users.v1.UserService/GetUser")
	fmt.Println(service, method, err)

	_, _, err = name.SplitProcedure("users.v1.UserService/GetUser")
	fmt.Println(err)
	// Output:
	// users.v1.UserService GetUser <nil>
	// invalid name: procedure "users.v1.UserService/GetUser": want /package.Service/Method
}

func TestSplitProcedure(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, service, method string }{ // empty service: refused
		{"/users.v1.UserService/GetUser", "users.v1.UserService", "GetUser"},
		{"/UserService/GetUser", "UserService", "GetUser"},
		{"/_a.B_1/c", "_a.B_1", "c"},
		{"", "", ""},
		{"/", "", ""},
		{"//", "", ""},
		{"/a.B", "", ""},
		{"/a.B/", "", ""},
		{"//C", "", ""},
		{"a.B/C", "", ""},       // CVE-2026-33186: a path without its slash must not slip past a rule
		{"//a.B/C", "", ""},     // nor one with two
		{"/a.B/C/", "", ""},     //
		{"/a.B/C/D", "", ""},    //
		{"/ns/a/a.B/C", "", ""}, // a URL prefix is not part of a procedure
		{"/.a.B/C", "", ""},
		{"/a..B/C", "", ""},
		{"/a.B./C", "", ""},
		{"/a.B/C.D", "", ""},
		{"/1a.B/C", "", ""},
		{"/a.B/1C", "", ""},
		{"/a-b.B/C", "", ""},
		{"/a.B/C?x=1", "", ""},
		{"/a.B/%43", "", ""},
		{"/a.B/C ", "", ""},
		{"/a.B/C\x00", "", ""},
		{"/ä.B/C", "", ""},
		{"/a.B/../C", "", ""},
		{"/" + strings.Repeat("a", 513) + "/C", "", ""},
		{"/a.B/" + strings.Repeat("c", 513), "", ""},
	}
	for _, tt := range tests {
		service, method, err := name.SplitProcedure(tt.in)
		if service != tt.service || method != tt.method || (err == nil) != (tt.service != "") {
			t.Errorf("SplitProcedure(%.40q) = %q, %q, %v", tt.in, service, method, err)
		}
		if err != nil && !errors.Is(err, name.ErrInvalid) {
			t.Errorf("SplitProcedure(%.40q): %v is not ErrInvalid", tt.in, err)
		}
	}
}

func TestCheckServiceAndMethod(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][2]bool{ // service, method
		"UserService":          {true, true},
		"users.v1.UserService": {true, false},
		"":                     {false, false},
		"a/b":                  {false, false},
		".a":                   {false, false},
		"9":                    {false, false},
	} {
		if got := [2]bool{name.CheckService(in) == nil, name.CheckMethod(in) == nil}; got != want {
			t.Errorf("%q is service, method: %v, want %v", in, got, want)
		}
	}
}

func TestShortService(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"users.v1.UserService": "UserService", "UserService": "UserService", "": ""} {
		if got := name.ShortService(in); got != want {
			t.Errorf("ShortService(%q) = %q", in, got)
		}
	}
}

func TestAcceptingDoesNotAllocate(t *testing.T) {
	// AllocsPerRun forbids parallel tests.
	allocs := testing.AllocsPerRun(100, func() {
		_, _, _ = name.SplitProcedure("/users.v1.UserService/GetUser")
		_ = name.CheckNamespace("eu.west-2")
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func FuzzSplitProcedure(f *testing.F) {
	for _, seed := range []string{"/users.v1.UserService/GetUser", "", "/", "//", "a/b", "/a/b/c", "/a.B/C\x00", "/.a/b", "/a-b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		service, method, err := name.SplitProcedure(in)
		if err != nil {
			if service != "" || method != "" {
				t.Errorf("SplitProcedure(%q) refuses and yet answers %q, %q", in, service, method)
			}
			return
		}
		if name.Procedure(service, method) != in {
			t.Errorf("SplitProcedure(%q) = %q, %q does not join to it again", in, service, method)
		}
		if name.CheckService(service) != nil || name.CheckMethod(method) != nil {
			t.Errorf("SplitProcedure(%q) = %q, %q: parts are refused alone", in, service, method)
		}
		if strings.ContainsAny(in, "?#% \t\r\n\\\x00") || strings.Count(in, "/") != 2 {
			t.Errorf("SplitProcedure accepts %q", in)
		}
	})
}
