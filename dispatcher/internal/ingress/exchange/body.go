package exchange

import (
	"encoding/binary"
	"io"
	"net/http"
)

// Body is the body of a request that is watched. Two rules it keeps that connecthttp does not: a message that is announced larger
// than the limit ends the request at once, not after it was read and thrown away; and what is held of a message is
// taken from the budget.
type Body struct {
	io.ReadCloser
	e       *watch // nil for none
	decoded bool   // it is behind another one that is watched
	limit   int    // of a message, in bytes; 0 before there is one

	framed     bool // messages have a prefix of one flag byte and four of length
	compressed bool // the whole body, if it is not framed
	prefix     [5]byte
	have       int    // bytes of the prefix so far
	left       uint32 // bytes of the message to come
	over       bool
	tail       [4]byte // the last bytes of the message
	held       int64   // bytes of the message
	taken      int64   // of the budget, under the lock of the exchange
}

// Bound says what the messages of a body are: with a prefix each, or the body is one, of length bytes or -1 if that is not
// known, compressed or not.
func (b *Body) Bound(limit int, framed bool, length int64, compressed bool) {
	b.limit, b.framed, b.compressed = limit, framed, compressed
	b.over = !framed && length > int64(limit)
}

// Read reads what there is of the body. It is for one goroutine, as that of any body.
func (b *Body) Read(p []byte) (int, error) {
	if b.over {
		return 0, &http.MaxBytesError{Limit: int64(b.limit)}
	}
	n, err := b.read(p)
	if refused := b.follow(p[:n], err == io.EOF); refused != nil {
		return 0, refused // with bytes it would be passed over: they may be all that the reader wants
	}
	return n, err
}

// Close closes the body. Over HTTP/1.1 that reads the rest of the request, which has a moment to come.
func (b *Body) Close() error {
	e := b.e
	if e == nil || b.decoded || !e.rests() {
		return b.ReadCloser.Close()
	}
	e.bound()
	err := b.ReadCloser.Close()
	if err == nil {
		e.ended.Store(true)
	}
	return err
}

// read waits for the client, under watch.
func (b *Body) read(p []byte) (int, error) {
	if b.e == nil || b.decoded {
		return b.ReadCloser.Read(p)
	}
	e := b.e
	waits, since := e.hurried(), clock()
	e.reading.Store(since)
	if waits {
		e.arm(e.rules.Body)
		if e.conn != nil {
			e.conn.Wait()
		}
	}
	n, err := b.ReadCloser.Read(p)
	e.reading.Store(0)
	if waits {
		e.waited.Add(clock() - since)
		e.received.Add(int64(n))
		if e.conn != nil {
			e.conn.Went()
		}
	}
	if err != nil {
		e.ended.Store(true)
	}
	if err == io.EOF {
		e.whole.Store(true)
	}
	return n, err
}

// follow takes what was read from the budget, and follows the prefixes of the messages in it.
func (b *Body) follow(data []byte, end bool) error {
	if b.limit == 0 { // nobody has said what it is
		return nil
	}
	if b.framed {
		return b.scan(data)
	}
	if b.compressed {
		b.remember(data)
	}
	if err := b.hold(int64(len(data))); err != nil || !end || !b.compressed {
		return err
	}
	return b.hold(b.inflated())
}

// scan follows the prefixes of the messages in what was read.
func (b *Body) scan(data []byte) error {
	for len(data) > 0 {
		if b.left > 0 {
			rest, err := b.message(data)
			if err != nil {
				return err
			}
			data = rest
			continue
		}
		if b.have == 0 {
			b.began()
		}
		n := copy(b.prefix[b.have:], data)
		b.have += n
		data = data[n:]
		if b.have < len(b.prefix) {
			return nil
		}
		b.have, b.left = 0, binary.BigEndian.Uint32(b.prefix[1:])
		if int64(b.left) > int64(b.limit) {
			b.over = true
			return nil
		}
		if b.left == 0 {
			b.complete()
		}
	}
	return nil
}

// message follows the message that has begun, and returns what is behind it.
func (b *Body) message(data []byte) (rest []byte, err error) {
	n := min(len(data), int(b.left))
	b.left -= uint32(n)
	compressed := b.prefix[0]&1 != 0
	if compressed {
		b.remember(data[:n])
	}
	if err := b.hold(int64(n)); err != nil {
		return nil, err
	}
	if b.left > 0 {
		return nil, nil
	}
	b.complete()
	if compressed {
		err = b.hold(b.inflated())
	}
	return data[n:], err
}

// began and complete are the two ends of a message.
func (b *Body) began() {
	if b.held >= heldUnit {
		b.release()
	}
	b.held = 0
	if b.e != nil {
		b.e.mid.Store(true)
	}
}

func (b *Body) complete() {
	if e := b.e; e != nil && !e.hurry.Load() {
		e.mid.Store(false)
		e.waited.Store(0)
		e.received.Store(0)
	}
}

// remember keeps the last four bytes.
func (b *Body) remember(data []byte) {
	if len(data) >= len(b.tail) {
		copy(b.tail[:], data[len(data)-len(b.tail):])
		return
	}
	copy(b.tail[:], b.tail[len(data):])
	copy(b.tail[len(b.tail)-len(data):], data)
}

// inflated is how long a message says that it is without its compression, gzip: nobody takes more of it than that, or than
// the limit.
func (b *Body) inflated() int64 {
	return min(int64(binary.LittleEndian.Uint32(b.tail[:])), int64(b.limit))
}

// heldUnit is how finely what is held is counted: requests that are smaller do not touch the budget, which all share.
const heldUnit = 4 << 10

// hold takes what was read from the budget.
func (b *Body) hold(n int64) error {
	before := b.held
	b.held += n
	units := b.held/heldUnit - before/heldUnit
	if b.e == nil || units == 0 {
		return nil
	}
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	if b.e.w == nil { // nobody would give it back
		return http.ErrBodyReadAfterClose
	}
	if err := b.e.take(units * heldUnit); err != nil {
		b.held = before
		return err
	}
	b.taken += units * heldUnit
	return nil
}

// release gives back what is held: the message has been taken, or the exchange has ended.
func (b *Body) release() {
	if b.e == nil {
		return
	}
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	b.e.give(b.taken)
	b.taken = 0
}
