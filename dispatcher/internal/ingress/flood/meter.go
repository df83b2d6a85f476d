package flood

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// What a connection may cost, in microseconds of CPU.
const (
	// Burst is how much at once.
	Burst = 60_000
	// PerSecond is how much more each second: a twentieth of a core.
	PerSecond = 50_000
)

// What nuisances cost.
const (
	costPing     = 10
	costSettings = 20
	costEmpty    = 5 // DATA or CONTINUATION
	costSmall    = 2 // PRIORITY, WINDOW_UPDATE, what is unknown
	costReset    = 60
	costKiB      = 60 // of a block of headers beyond headerRoom: it may be all names of fields of a table
	costText     = 8  // of a KiB of it that is text
	costField    = 1  // of each field
)

// What useful frames earn.
const (
	earnEnd  = 40 // of an answer: two in three calls may be cancelled, and each may have its WINDOW_UPDATEs
	earnData = 10 // a frame of it: WINDOW_UPDATE for stream and connection, and a ping to measure the wire
	earnBody = 4  // a frame of a request
)

// headerRoom is how many bytes of a block of headers are nothing special. What a longer one costs is given back by [Meter.Large]
// when it turns out to be a request.
const headerRoom = 4 << 10

// tightWindow is the least window of a client that takes what any answer has at first.
const tightWindow = 16 << 10

// Meter keeps the credit of a connection. In and Out may be called at the same time, each by one goroutine.
type Meter struct {
	credit atomic.Int64
	filled atomic.Int64 // when credit was last added for time
	clock  func() time.Duration

	in, out scanner
	block   int  // bytes of the block of headers that comes in
	opened  bool // by HEADERS: the block has not ended

	// Window is what the client takes of all answers together at this moment, and Initial what it takes of each at first.
	window  atomic.Int64
	initial atomic.Int64
	held    atomic.Int64 // bytes of requests that have come in and were not read yet
	credits atomic.Int64 // what the server has let come in
	tight   func(bool)
	away    bool // a GOAWAY was sent; of whom Out is called by
}

// defaultWindow is that of streams and connections before anything else is said, RFC 9113, 6.9.2.
const defaultWindow = 1<<16 - 1

// NewMeter makes the meter of a connection, with the clock that it goes by. tight is told when the client begins or ceases to
// be one that takes little.
func NewMeter(clock func() time.Duration, tight func(bool)) *Meter {
	m := &Meter{clock: clock, tight: tight}
	m.credit.Store(Burst)
	m.filled.Store(int64(clock()))
	m.window.Store(defaultWindow)
	m.initial.Store(defaultWindow)
	return m
}

// In follows what the client has sent, behind the preface. It returns false when the connection has cost too much.
func (m *Meter) In(data []byte) bool {
	m.in.scan(data, (*inbound)(m))
	return m.solvent()
}

// Out follows what the server sends.
func (m *Meter) Out(data []byte) { m.out.scan(data, (*outbound)(m)) }

// Within reports whether a frame or a block of headers of the client has begun and not ended.
func (m *Meter) Within() bool { return m.in.within() || m.opened }

// solvent reports whether there is credit, and adds what time has earned when there is none.
func (m *Meter) solvent() bool {
	if m.credit.Load() >= 0 {
		return true
	}
	now := m.clock()
	earned := int64(now-time.Duration(m.filled.Swap(int64(now)))) * PerSecond / int64(time.Second)
	return m.credit.Add(min(earned, Burst)) >= 0
}

// spend takes the cost of a nuisance.
func (m *Meter) spend(cost int64) { m.credit.Add(-cost) }

// earn adds what a useful frame earns. Two at once may add a little too much.
func (m *Meter) earn(credit int64) {
	if m.credit.Load() < Burst {
		m.credit.Add(credit)
	}
}

// Large gives back what the header of a request cost too much, which has turned out to have so many bytes in so many fields.
// Whether the request is taken or refused makes no difference.
func (m *Meter) Large(header, fields int) {
	if header > headerRoom {
		m.earn(max(0, int64(header/1024)*(costKiB-costText)-int64(fields)*costField))
	}
}

// inbound looks at the frames of the client.
type inbound Meter

func (v *inbound) begin(f frame) (unit int) {
	m := (*Meter)(v)
	switch f.kind {
	case kindData:
		m.data(f)
		if f.has(flagPadded) {
			return 1
		}
	case kindHeaders:
		m.block = 0
		m.headers(f)
	case kindContinuation:
		m.spend(costEmpty)
		m.headers(f)
	case kindReset:
		m.spend(costReset)
	case kindSettings:
		if f.has(flagAck) {
			m.spend(costSmall)
			break
		}
		m.spend(costSettings + int64(f.length/settingBytes))
		return settingBytes
	case kindPing:
		m.spend(costPing)
	case kindWindowUpdate:
		m.spend(costSmall)
		return windowBytes
	default:
		m.spend(costSmall)
	}
	return 0
}

// data is a frame of a request.
func (m *Meter) data(f frame) {
	m.held.Add(int64(f.length))
	switch {
	case f.length > 0:
		m.earn(earnBody)
	case !f.has(flagEndStream):
		m.spend(costEmpty)
	}
}

// headers is a part of a block of them.
func (m *Meter) headers(f frame) {
	before := max(m.block, headerRoom)
	m.block += f.length
	if m.block > before {
		m.spend(int64(m.block/1024-before/1024) * costKiB)
	}
	m.opened = !f.has(flagEndHeaders)
}

func (v *inbound) show(f frame, unit []byte) {
	m := (*Meter)(v)
	switch f.kind {
	case kindData: // the length of its padding
		if int(unit[0])+1 >= f.length {
			m.spend(costEmpty + earnBody)
		}
		m.in.units = 0
	case kindSettings:
		const initialWindowSize = 4
		if binary.BigEndian.Uint16(unit) == initialWindowSize {
			m.initial.Store(int64(binary.BigEndian.Uint32(unit[2:])))
			m.judge()
		}
	case kindWindowUpdate:
		if f.stream == 0 {
			m.window.Add(int64(binary.BigEndian.Uint32(unit) & (1<<31 - 1)))
			m.judge()
		}
	}
}

// judge tells whether the client takes little.
func (m *Meter) judge() { m.tight(m.initial.Load() < tightWindow || m.window.Load() < tightWindow) }

// outbound looks at the frames of the server.
type outbound Meter

func (v *outbound) begin(f frame) (unit int) {
	m := (*Meter)(v)
	switch f.kind {
	case kindData:
		if f.length > 0 {
			m.earn(earnData)
			if window := m.window.Add(int64(-f.length)); window < tightWindow && window+int64(f.length) >= tightWindow {
				m.judge()
			}
		}
		m.ended(f)
	case kindHeaders:
		m.ended(f)
	case kindReset:
		m.spend(costReset)
	case kindGoAway:
		m.away = true
	case kindWindowUpdate:
		if f.stream == 0 {
			return windowBytes
		}
	}
	return 0
}

// Away reports whether the client was sent away. Whoever calls Out may call it.
func (m *Meter) Away() bool { return m.away }

// ended earns what the end of an answer does.
func (m *Meter) ended(f frame) {
	if f.has(flagEndStream) {
		m.earn(earnEnd)
	}
}

func (v *outbound) show(f frame, unit []byte) {
	m := (*Meter)(v)
	if m.credits.Load() == 0 { // the first one is the size of the window
		m.credits.Store(1)
		return
	}
	m.held.Add(-int64(binary.BigEndian.Uint32(unit) & (1<<31 - 1)))
}

// Held is how many bytes of requests have come in and were not read yet, as far as the server has said.
func (m *Meter) Held() int64 { return max(0, m.held.Load()) }
