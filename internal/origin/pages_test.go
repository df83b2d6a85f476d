package origin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/origin"
)

func TestPagesListsOnlyWhatBrowsersSend(t *testing.T) {
	t.Parallel()
	good := []string{
		"https://app.example", "http://app.example:8080", "http://localhost:5173", "http://[::1]:5173", "http://[::1]",
		"http://127.0.0.1:3000", "https://xn--bcher-kva.example", "chrome-extension://abcdefghijklmnop", "tauri://localhost",
	}
	if _, err := origin.NewPages(good...); err != nil {
		t.Errorf("%v", err)
	}
	for bad, want := range map[string]string{
		"*":                         "one by one",
		"https://*.example":         "one by one",
		"https://app.example:*":     "one by one",
		"null":                      "sandboxed",
		"":                          "want scheme://host",
		"app.example":               "want scheme://host",
		"https://":                  "want scheme://host",
		"https://:443":              "want scheme://host",
		"//app.example":             "want scheme://host",
		"https://bücher.example":    "want scheme://host",
		"https://app.example, x":    "want scheme://host",
		"https://app.example:https": "want scheme://host",
		"https://app.example/":      `want "https://app.example"`,
		"https://app.example/page":  `want "https://app.example"`,
		"https://app.example?":      `want "https://app.example"`,
		"https://app.example#x":     `want "https://app.example"`,
		"https://me@app.example":    `want "https://app.example"`,
		"https://App.Example":       `want "https://app.example"`,
		"HTTPS://app.example":       `want "https://app.example"`,
		"https://app.example:443":   `want "https://app.example"`,
		"http://app.example:80":     `want "http://app.example"`,
		"https://app.example:":      `want "https://app.example"`,
	} {
		if _, err := origin.NewPages("https://good.example", bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
	if _, err := origin.NewPages("*", "null", "x"); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not everything that is wrong: %v", err)
	}
}

func TestPagesCheck(t *testing.T) {
	t.Parallel()
	pages, err := origin.NewPages("https://app.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		origin, site string
		allowed      bool
	}{
		{"", "", true}, // a program
		{"http://127.0.0.1:1", "", true},
		{"http://127.0.0.1:1", "same-origin", true},
		{"", "same-origin", true},
		{"", "none", true}, // typed into the address bar
		{"https://app.example", "cross-site", true},
		{"https://app.example", "", true},
		{"https://app.example.evil.example", "cross-site", false},
		{"http://app.example", "cross-site", false},
		{"https://app.example:444", "cross-site", false},
		{"https://APP.example", "cross-site", false},
		{"http://127.0.0.1:2", "same-site", false},
		{"", "cross-site", false}, // an image, a link
		{"", "same-site", false},
		{"null", "", false},
		{"null", "cross-site", false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:1/a.S/M", nil)
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("Sec-Fetch-Site", tt.site)
			if err := pages.Check(r); (err == nil) != tt.allowed || r.Method != method {
				t.Errorf("%s from %q, %q: %v", method, tt.origin, tt.site, err)
			}
			if pages.Lists(r) != (tt.origin == "https://app.example") {
				t.Errorf("Lists %q: %v", tt.origin, pages.Lists(r))
			}
		}
	}
}
