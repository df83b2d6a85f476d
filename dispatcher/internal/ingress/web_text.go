package ingress

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
)

// WebText serves calls of gRPC-Web as text, which connect does not know. It is the only form in which Google's client
// has streams: XMLHttpRequest shows pages a growing text, not growing bytes. Everything behind sees binary gRPC-Web, so
// that all entrances take it and refuse it alike.
//
// A request is text if its Content-Type says so. The answer is if Accept asks for it, or for no form of gRPC-Web while
// the request is.
func WebText(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web, text := webForm(r.Header.Get("Content-Type"))
		if !web {
			next.ServeHTTP(w, r)
			return
		}
		answer := &textWriter{ResponseWriter: w}
		if acceptsText(r.Header.Values("Accept"), text) {
			w = answer
		}
		if text {
			r = asBinary(r)
		}
		next.ServeHTTP(w, r)
		_ = answer.endRun() // that the client is gone has been told to who wrote
	})
}

// acceptsText reads what a client of gRPC-Web accepts. What it leaves open is as in its request.
func acceptsText(accept []string, asked bool) bool {
	var forms [2]bool // binary, text
	for _, line := range accept {
		for mediaType := range strings.SplitSeq(line, ",") {
			web, text := webForm(mediaType)
			forms[0] = forms[0] || web && !text
			forms[1] = forms[1] || text
		}
	}
	if forms[0] == forms[1] {
		return asked
	}
	return forms[1]
}

// asBinary is a request of text as if it had come in bytes.
func asBinary(r *http.Request) *http.Request {
	r = r.WithContext(r.Context()) // a copy: the server keeps the one it made
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", strings.Replace(strings.ToLower(r.Header.Get("Content-Type")), webTypeText, webType, 1))
	r.Header.Del("Content-Length")
	r.ContentLength = -1
	r.Body = &textBody{ReadCloser: r.Body}
	return r
}

// textWriter writes an answer of gRPC-Web as text. What lies between two flushes is a run of base64 with its padding,
// so that a client can decode every message when it comes. Other answers, as a refusal in plain text, stay as they are.
type textWriter struct {
	http.ResponseWriter
	begun bool           // the status is out
	text  bool           // it is an answer of gRPC-Web
	run   io.WriteCloser // that is open; nil for none
}

// Unwrap is for [http.ResponseController].
func (w *textWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *textWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.begun {
		w.begin()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *textWriter) begin() {
	w.begun = true
	mediaType := w.Header().Get("Content-Type")
	if web, text := webForm(mediaType); web && !text {
		w.text = true
		w.Header().Set("Content-Type", webTypeText+mediaType[len(webType):])
		w.Header().Del("Content-Length")
	}
}

func (w *textWriter) Write(data []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if !w.text {
		return w.ResponseWriter.Write(data)
	}
	if w.run == nil {
		w.run = base64.NewEncoder(base64.StdEncoding, w.ResponseWriter)
	}
	return w.run.Write(data)
}

// endRun writes what is left of a run, and its padding.
func (w *textWriter) endRun() error {
	if w.run == nil {
		return nil
	}
	run := w.run
	w.run = nil
	return run.Close()
}

// Flush is what connect looks for.
func (w *textWriter) Flush() { _ = w.FlushError() }

func (w *textWriter) FlushError() error {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if err := w.endRun(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}
