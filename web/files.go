package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// index is the one built file whose name has no hash of its content, since every page is made of it.
const index = "index.html"

// file is a built file. It is immutable, and shared by all consoles of a process.
type file struct {
	kind    string // content type
	content []byte
	packed  func() []byte // content by gzip; compressed when somebody asks first, for most programs nobody does
}

// builtFiles are the files of dist by name.
var builtFiles = sync.OnceValues(func() (map[string]*file, error) {
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, err
	}
	files := make(map[string]*file, len(entries))
	for _, entry := range entries {
		content, err := fs.ReadFile(dist, path.Join("dist", entry.Name()))
		if err != nil {
			return nil, err
		}
		files[entry.Name()] = newFile(entry.Name(), content)
	}
	return files, nil
})

func newFile(name string, content []byte) *file {
	return &file{
		kind:    mime.TypeByExtension(path.Ext(name)),
		content: content,
		packed:  sync.OnceValue(func() []byte { return compress(content) }),
	}
}

// compress takes some milliseconds and as much memory for ever as it returns. It cannot fail: the level is one that gzip
// has, and a buffer takes everything.
func compress(content []byte) []byte {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = w.Write(content)
	_ = w.Close()
	return packed.Bytes()
}

// ServeHTTP sends the file, compressed if the browser takes that. Names have a hash, so they may be kept for good.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	header.Set("Content-Type", f.kind)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	content := f.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = f.packed()
	}
	_, _ = w.Write(content) // a browser that is gone needs no answer
}
