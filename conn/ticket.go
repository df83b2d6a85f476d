package conn

import "context"

// ticket lets one operation at a time through. Unlike a mutex it may be held over I/O: whoever waits for it gives up
// with its context, and nothing that reads the table or carries calls ever waits for it.
type ticket chan struct{}

func newTicket() ticket { return make(ticket, 1) }

func (t ticket) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tryTake takes the ticket if it is free.
func (t ticket) tryTake() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t ticket) give() { <-t }
