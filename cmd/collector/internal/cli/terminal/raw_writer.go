package terminal

import (
	"bytes"
	"io"
	"sync/atomic"
)

// RawWriter ends lines as a terminal needs it while it is in raw mode.
type RawWriter struct {
	io.Writer
	Raw *atomic.Bool
}

func (w RawWriter) Write(p []byte) (int, error) {
	if !w.Raw.Load() {
		return w.Writer.Write(p)
	}
	if _, err := w.Writer.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}
