package inflate

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectgzip"
)

// FreeBytes is how long any message may become.
const FreeBytes = 64 << 10

// New returns gzip within the bounds. ratio is how many times longer than it came a message may become beyond FreeBytes;
// negative for any. It is safe for concurrent use.
func New(ratio int) connect.Compressor { return compressor{connectgzip.New(), ratio} }

type compressor struct {
	*connectgzip.Compressor
	ratio int
}

// Decompress returns a reader that fails where src becomes longer than it may. connecthttp gives whole messages.
func (c compressor) Decompress(src io.Reader) (io.ReadCloser, error) {
	whole, ok := src.(interface{ Bytes() []byte })
	if !ok {
		return c.Compressor.Decompress(src)
	}
	data := whole.Bytes()
	r := &reader{came: len(data), ratio: c.ratio, left: math.MaxInt64, stated: stated(data)}
	if c.ratio > 0 {
		r.left = max(FreeBytes, int64(c.ratio)*int64(len(data)))
	}
	inner, err := c.Compressor.Decompress(src)
	if err != nil {
		return nil, err
	}
	r.ReadCloser = inner
	return r, nil
}

// stated is how long a message of gzip says that it is.
func stated(data []byte) int64 {
	const trailer = 4
	if len(data) < trailer {
		return 0
	}
	return int64(binary.LittleEndian.Uint32(data[len(data)-trailer:]))
}

// reader reads what a message becomes.
type reader struct {
	io.ReadCloser
	came, ratio  int
	left, stated int64 // bytes until it is too long
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.left -= int64(n)
	r.stated -= int64(n)
	switch {
	case r.left < 0:
		return 0, r.refuse()
	case r.stated < 0:
		return 0, connect.NewError(connect.CodeInvalidArgument,
			"a compressed message is longer than the length at its end says; send each as one whole stream of gzip")
	default:
		return n, err
	}
}

func (r *reader) refuse() error {
	return connect.NewError(connect.CodeResourceExhausted, fmt.Sprintf(
		"a message of %d bytes becomes more than %d times longer without its compression; send it uncompressed, or in parts", r.came, r.ratio))
}
