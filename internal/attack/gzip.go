package main

import (
	"bytes"
	"compress/gzip"
	"net/http"
)

// gzipRatio is 1 if a request that unpacks to 1000 times its size is refused although it is within the size of a message.
func gzipRatio(s *Stage) ([]Figure, error) {
	t, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users")
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(append([]byte(`{"id":"u-1"`), append(bytes.Repeat([]byte(" "), 3<<20), '}')...)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, t.URL+getUser, &packed)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := new(http.Transport).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	refused := Figure{Name: "gzip_ratio_refused", Unit: "count"}
	if res.StatusCode != http.StatusOK {
		refused.Value = 1
	}
	return []Figure{refused}, nil
}
