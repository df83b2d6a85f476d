package lifetime

import (
	"context"
	"sync"

	"connectrpc.com/connect/v2"
)

// Lifetime is the time in which a manager runs. All methods are safe for concurrent use.
type Lifetime struct {
	owner      string
	background func(ctx context.Context)

	ending sync.Mutex // held over End, so that there is one at a time
	done   chan struct{}
	finish func() // closes done
	group  sync.WaitGroup

	mu      sync.Mutex
	ctx     context.Context //nolint:containedctx // the life of the connections
	stop    context.CancelFunc
	why     string
	closing bool
	ended   bool // for good
	running bool // the background is
}

// New begins the first life of an owner, named in refusals. background runs through each life, from [Lifetime.Start] or
// the first operation on.
func New(owner string, background func(ctx context.Context)) *Lifetime {
	l := &Lifetime{owner: owner, background: background, done: make(chan struct{})}
	l.finish = sync.OnceFunc(func() { close(l.done) })
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Start runs the background unless it runs.
func (l *Lifetime) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.startLocked()
}

func (l *Lifetime) startLocked() {
	if l.running || l.closing {
		return
	}
	l.running = true
	ctx := l.ctx
	l.group.Go(func() { l.background(ctx) })
}

// Begin admits an operation, which End then waits for and cancels. end must be called when it is over.
func (l *Lifetime) Begin(ctx context.Context) (_ context.Context, end func(), _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, nil, l.Stopping()
	}
	l.startLocked()
	l.group.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(l.ctx, cancel)
	return ctx, func() {
		unlink()
		cancel()
		l.group.Done()
	}, nil
}

// Spawn runs f in a goroutine that End waits for, with the context of this life. It reports whether it did: not when
// the owner is closing.
func (l *Lifetime) Spawn(f func(ctx context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return false
	}
	ctx := l.ctx
	l.group.Go(func() { f(ctx) })
	return true
}

// Context ends with this life.
func (l *Lifetime) Context() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx
}

// Closing reports whether nothing new is taken on, and why.
func (l *Lifetime) Closing() (why string, closing bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why, l.closing
}

// Stopping is the refusal of what comes too late.
func (l *Lifetime) Stopping() error {
	return connect.Errorf(connect.CodeUnavailable, "collector %q is stopping: try again when it is back", l.owner)
}

// Done returns a channel that is closed at the end for good.
func (l *Lifetime) Done() <-chan struct{} { return l.done }

// Refuse takes on nothing new from now on; nothing for ever, if it is final.
func (l *Lifetime) Refuse(why string, final bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing, l.why, l.ended = true, why, l.ended || final
}

// End cancels all that runs and waits for it. cut ends what a context does not; last runs when nothing else does any
// more. Unless an end was final, another life can begin then.
func (l *Lifetime) End(why string, final bool, cut, last func()) {
	l.ending.Lock()
	defer l.ending.Unlock()
	l.Refuse(why, final)
	l.cancel()
	if final {
		l.finish()
	}
	cut()
	l.group.Wait()
	last()
	l.reopen()
}

func (l *Lifetime) cancel() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
}

// reopen begins another life. Whatever used the old context is gone.
func (l *Lifetime) reopen() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.closing, l.running = false, false
}
