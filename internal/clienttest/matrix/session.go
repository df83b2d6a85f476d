package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/collectiverpc/collective/mesh"
)

// fromPage asks as the page of the console does: with the session of its browser, from its own origin.
type fromPage struct {
	*http.Client
	cookie *http.Cookie
	key    string
}

func (p fromPage) Do(req *http.Request) (*http.Response, error) {
	req.Header.Set("Origin", "https://"+proxyName)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set(mesh.HeaderSession, p.key)
	req.AddCookie(p.cookie)
	return p.Client.Do(req)
}

// logIn opens the link that the operator of a gets, through a proxy.
func (r *rig) logIn(ctx context.Context, browser *http.Client) (p fromPage, err error) {
	token, err := r.loginToken(ctx)
	if err != nil {
		return p, err
	}
	address := "https://" + proxyName + mesh.LoginPath + "?" + url.Values{mesh.LoginToken: {token}, mesh.LoginPage: {"console"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return p, err
	}
	res, err := browser.Transport.RoundTrip(req) // the redirect has the key
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	_, key, found := strings.Cut(res.Header.Get("Location"), "#session=")
	cookies := res.Cookies()
	if !found || len(cookies) != 1 {
		return p, fmt.Errorf("the link logs nobody in: %s, %v", res.Status, res.Header)
	}
	return fromPage{Client: browser, cookie: cookies[0], key: key}, nil
}

// loginToken is that of a link that the user of a collector prints on its machine.
func (r *rig) loginToken(ctx context.Context) (string, error) {
	out, err := program(ctx, r.config.collector, "console", "--print", "--server", "http://"+r.asked).Output()
	if err != nil {
		return "", fmt.Errorf("collector console: %w", err)
	}
	link, err := url.Parse(strings.TrimSpace(string(out)))
	if err != nil {
		return "", err
	}
	token := link.Query().Get(mesh.LoginToken)
	if token == "" {
		return "", fmt.Errorf("the link of the console has no token: %s", link)
	}
	return token, nil
}
