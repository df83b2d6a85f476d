package call

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/reuse"
	"github.com/collectiverpc/collective/mesh"
)

// RetryingCall is a call from here to a peer: a [connect.ClientStream] that goes on to the next candidate when a call
// surely did not run, or may be repeated. All entrances use it, and nothing else repeats a call.
//
// A call is repeated only while nothing of an answer was seen and only if its request is one message, which is kept
// until then. Request streams are tried elsewhere only if the peer cannot even be asked.
type RetryingCall struct {
	peers    *Peers
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	info     *connect.CallInfo
	header   *connect.Header // of the request, before it is filtered for a peer; nil if info has it already
	call     link.Call
	decision routing.Decision

	// mu guards the attempts: a single request may be sent and its answer awaited from two goroutines.
	mu sync.Mutex
	attempts
	present atomic.Pointer[attempt] // changes under mu

	seen    atomic.Bool             // something of an answer arrived
	counted atomic.Pointer[attempt] // in whose load this call is; nil when it has ended
	traffic traffic                 // what the connection of counted carried for this call
	unwatch func() bool
}

// attempts is how far the candidates have been tried.
type attempts struct {
	tried   int     // candidates that were considered
	asked   int     // and asked
	only    attempt // memory for the first, which for most calls is all
	message any     // the only request message, once sent
	first   error   // what went wrong first
}

var retryingCalls = sync.Pool{New: func() any { return new(RetryingCall) }}

// Recycle gives the memory of a unary call that is over to another one. Nobody uses the call any more.
func (o *RetryingCall) Recycle() {
	if o.call.Spec.StreamType != connect.StreamTypeUnary {
		return
	}
	if a := o.present.Swap(nil); a.stream == a.bare { // no interceptor has seen it
		reuse.Give(a.bare)
	}
	o.ctx, o.info, o.header, o.call, o.decision, o.attempts = nil, nil, nil, link.Call{}, routing.Decision{}, attempts{}
	o.seen.Store(false)
	retryingCalls.Put(o)
}

// open opens a call on the first candidate that can be asked. header is copied into info as far as it may go to
// that peer; if it is nil, info has the headers that go.
func (p *Peers) open(
	ctx context.Context, info *connect.CallInfo, decided routing.Decision, call link.Call, header *connect.Header,
) (*RetryingCall, error) {
	if late := tooLate(ctx); late != nil {
		return nil, late.Err(p.Self)
	}
	o := retryingCalls.Get().(*RetryingCall) //nolint:forcetypeassert // the pool holds nothing else
	o.peers, o.ctx, o.info, o.header, o.call, o.decision = p, ctx, info, header, call, decided
	p.Budget.earn()
	if err := o.next(nil); err != nil {
		return nil, err
	}
	if call.Spec.StreamType != connect.StreamTypeUnary {
		o.unwatch = context.AfterFunc(ctx, o.uncount) // clients may leave a stream by their context alone
	}
	return o, nil
}

// LeastTime is what a call must have left to be sent. With less its time would be over when its handler begins.
const LeastTime = 5 * time.Millisecond

// tooLate refuses a call that is not worth sending any more.
func tooLate(ctx context.Context) *refusal.Refusal {
	if err := ctx.Err(); err != nil {
		return refusal.TimeOver(err, false)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < LeastTime {
		r := refusal.TimeOver(context.DeadlineExceeded, false)
		r.Message = "less than " + LeastTime.String() + " are left until the deadline of the call: it was not sent"
		return r
	}
	return nil
}

// next opens the call on the next candidate. why is what the one before failed with. Callers hold mu, or are the only
// ones to know o.
func (o *RetryingCall) next(why error) error {
	o.keep(why)
	for o.tried < o.decision.Len() && o.asked < o.peers.Attempts {
		if o.asked > 0 && (tooLate(o.ctx) != nil || !o.peers.Budget.spend()) {
			break
		}
		a, begun := o.candidate()
		if !begun {
			continue
		}
		o.asked++
		o.address(a.routePeer)
		var err error
		a.stream, a.bare, err = o.peers.openOn(o.ctx, a.routePeer, o.call)
		if err == nil {
			o.moveTo(a)
			return nil
		}
		a.refuse(o.peers.Clock, resultOf(o.ctx, err))
		o.keep(o.failure(a.routePeer, err))
	}
	if o.first == nil {
		return refusal.TimeOver(o.ctx.Err(), false).Err(o.peers.Self)
	}
	return o.first
}

// candidate is the next one to ask. A probe that another call makes is not made again: then begun is false.
func (o *RetryingCall) candidate() (a attempt, begun bool) {
	a = attempt{routePeer: o.decision.Peer(o.tried), endpoint: o.decision.Endpoint(o.tried), probe: o.tried == 0 && o.decision.Probe()}
	o.tried++
	return a, !a.probe || a.endpoint.Probe(o.peers.Clock.Now())
}

// keep takes in with what one more attempt failed: it is the one place that knows of all of them. The first error tells most, but
// "did not run" is said only if no attempt can have run.
func (o *RetryingCall) keep(err error) {
	if o.first == nil || err != nil && !ran(o.first) && ran(err) {
		o.first = err
	}
}

// conclude is the error of the call whose last attempt failed with err. A handler's verdict is what counts, whatever failed before.
func (o *RetryingCall) conclude(err error) error {
	if o.keep(err); ran(err) {
		return err
	}
	return o.first
}

func (o *RetryingCall) moveTo(next attempt) {
	o.settle(abandoned) // it has ended long since
	place := &o.only
	if o.present.Load() != nil {
		place = new(attempt) // somebody may still look at the one before
	}
	*place = next
	place.begin(o.peers.Clock, o.call.Spec.StreamType)
	o.counted.Store(place)
	o.present.Store(place)
	o.info.TransportInfo = next.routePeer.Route
}

// address fills the request headers for a peer.
func (o *RetryingCall) address(st *routing.RoutePeer) {
	if o.header == nil {
		return
	}
	to := o.info.RequestHeader()
	to.Delete(header.Authorization)
	trusted := o.peers.Trust.distrust(st) == ""
	if !trusted && o.header.Get(header.Authorization) != "" {
		o.peers.withhold(o.ctx, st)
	}
	header.CopyRequest(to, o.header, trusted, o.peers.Cookie || st.Entrance)
	if st.Entrance {
		o.addressEntrance(to)
	}
}

func (o *RetryingCall) route() *mesh.Route { return o.present.Load().routePeer.Route }

func (o *RetryingCall) single() bool { return o.call.Spec.StreamType&connect.StreamTypeClient == 0 }

func (o *RetryingCall) current() connect.ClientStream { return o.present.Load().stream }

// SendHeaders is for streams. A failure ends the call; it is never tried elsewhere.
func (o *RetryingCall) SendHeaders() error {
	err := o.current().SendHeaders()
	if err != nil {
		o.settle(resultOf(o.ctx, err))
	}
	return o.finish(err)
}

// Send goes on to the next candidate by itself. A single msg is kept until an answer comes: it must not change before.
func (o *RetryingCall) Send(msg any) error {
	stream := o.sending(msg)
	err := stream.Send(msg)
	if err == nil {
		o.traffic.sent.Add(int64(o.info.SendStats.Size))
		return nil
	}
	if errors.Is(err, io.EOF) {
		return err // the end of a stream is Receive's to explain
	}
	_, err = o.repeat(stream, err)
	return o.finish(err)
}

// sending keeps a single request message for a repetition.
func (o *RetryingCall) sending(msg any) connect.ClientStream {
	if !o.single() {
		return o.current()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.message = msg
	return o.current()
}

// CloseSend ends the request. Why it fails is Receive's to tell.
func (o *RetryingCall) CloseSend() error { return o.current().CloseSend() }

// Receive repeats the call for as long as it may. Its errors are public: a handler's verdict, or the mesh's own refusal.
func (o *RetryingCall) Receive(msg any) error {
	for {
		stream := o.current()
		err := stream.Receive(msg)
		switch {
		case err == nil:
			o.traffic.received.Add(int64(o.info.ReceiveStats.Size))
			o.received()
			return nil
		case errors.Is(err, io.EOF):
			o.settle(answered)
			o.end()
			return err
		}
		if again, err := o.repeat(stream, err); !again {
			return o.finish(err)
		}
	}
}

// receiveHeaders waits until the answer begins and reports whether its headers came by themselves.
func (o *RetryingCall) receiveHeaders() bool {
	bare, ok := o.present.Load().bare.(link.HeaderReceiver)
	if !ok || !bare.ReceiveHeaders() {
		return false
	}
	o.seen.Store(true)
	return true
}

func (o *RetryingCall) received() {
	o.seen.Store(true)
	if o.call.Spec.StreamType&connect.StreamTypeServer == 0 {
		o.settle(answered)
		o.end()
	}
}

// repeat sends the kept request to the next candidate if that is allowed after err. It returns the error to report if
// not.
func (o *RetryingCall) repeat(failed connect.ClientStream, err error) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if failed != o.current() {
		return true, nil // Send has moved on already
	}
	why := o.failure(o.present.Load().routePeer, err)
	o.settle(resultOf(o.ctx, err))
	if o.message == nil || o.seen.Load() || !o.mayRepeat(err) {
		return false, o.conclude(why)
	}
	for {
		if err := o.next(why); err != nil {
			return false, err
		}
		a := o.present.Load()
		sent := a.stream.Send(o.message)
		if sent == nil {
			sent = a.stream.CloseSend()
		}
		if sent == nil || errors.Is(sent, io.EOF) || !o.mayRepeat(sent) {
			return true, nil
		}
		why = o.failure(a.routePeer, sent)
		o.settle(resultOf(o.ctx, sent))
	}
}

// mayRepeat is the only rule of repetition.
func (o *RetryingCall) mayRepeat(err error) bool {
	if !o.single() || o.ctx.Err() != nil {
		return false
	}
	if failed, ok := errors.AsType[*link.Error](err); ok {
		return !failed.Sent || o.call.Spec.IdempotencyLevel != connect.IdempotencyUnknown
	}
	return noRoom(err) || said(err, mesh.ReasonMethodUnknown)
}

// failure gives an error of an attempt its public form. A handler's verdict stays as it is.
func (o *RetryingCall) failure(st *routing.RoutePeer, err error) error {
	self := o.peers.Self
	if failed, ok := errors.AsType[*link.Error](err); ok {
		o.traffic.failed.Store(true)
		return linkFailure(st, failed, err).Err(self, st.ID)
	}
	coded, ok := errors.AsType[*connect.Error](err)
	if ok && errors.Is(err, link.ErrHeaders) {
		return refusal.New(coded.Code(), mesh.ReasonTooLarge, coded.Message()+": the call did not run").Err(self)
	}
	if ok && coded.Code() == connect.CodeDeadlineExceeded && o.late() {
		return refusal.TimeOver(context.DeadlineExceeded, true).Err(self, st.ID) // whoever noticed first
	}
	if ok && noRoom(err) {
		return refusal.NoRoom(st.ID, "").Err(self, st.ID)
	}
	if ok && coded.IsRemote() {
		return err
	}
	if over := o.ctx.Err(); over != nil && (!ok || coded.Code() == connect.CodeDeadlineExceeded || coded.Code() == connect.CodeCanceled) {
		return refusal.TimeOver(over, true).Err(self, st.ID)
	}
	return err
}

// late reports whether the deadline of the call has passed, by the clock: its context may hear of it a moment later than
// the peer.
func (o *RetryingCall) late() bool {
	deadline, ok := o.ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

func linkFailure(st *routing.RoutePeer, failed *link.Error, err error) *refusal.Refusal {
	r := refusal.New(connect.CodeUnavailable, mesh.ReasonLinkDown,
		"collector "+refusal.Quoted(st.ID)+" cannot be reached ("+failed.Reason+"); the call did not run")
	if failed.Sent {
		r = refusal.New(connect.CodeUnavailable, mesh.ReasonLinkLost,
			"the link to collector "+refusal.Quoted(st.ID)+" was lost ("+failed.Reason+") after the call had left; it may have run there")
	}
	r.MaybeExecuted, r.Cause = failed.Sent, err
	return r
}

// finish ends the call if err is one.
func (o *RetryingCall) finish(err error) error {
	if err != nil {
		o.end()
	}
	return err
}

// end may be called any number of times.
func (o *RetryingCall) end() {
	o.uncount()
	if o.unwatch != nil {
		o.unwatch()
	}
}

// settle ends the present attempt and takes it into the account of its connection. The first result counts.
func (o *RetryingCall) settle(went result) {
	if a := o.counted.Swap(nil); a != nil {
		o.traffic.record(a.routePeer)
		a.end(o.peers.Clock, went)
	}
}

// uncount settles a call that nobody waits for any more, unless it is settled.
func (o *RetryingCall) uncount() { o.settle(abandoned) }

func (o *RetryingCall) Close() error {
	o.end()
	return o.current().Close()
}

// addressEntrance gives a call's headers to the entrance, which reads what it would of any client.
func (o *RetryingCall) addressEntrance(to *connect.Header) {
	if target := o.header.Get(mesh.HeaderTarget); target != "" {
		to.Set(mesh.HeaderTarget, target)
	}
}
