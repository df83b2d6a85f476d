package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// Run makes the calls of a plan, which it reads as JSON. It says on a line when the first is planned, in nanoseconds of the
// machine's clock, and returns when the last has ended.
func Run(ctx context.Context, in io.Reader, out io.Writer) error {
	var p Plan
	if err := json.NewDecoder(in).Decode(&p); err != nil {
		return err
	}
	file, err := os.Create(p.Outcomes)
	if err != nil {
		return err
	}
	defer file.Close()
	clients, err := p.open()
	if err != nil {
		return err
	}
	for _, c := range clients {
		defer c.close()
		if err := p.wait(ctx, c); err != nil {
			return err
		}
	}
	outcomes, written := make(chan ledger.Outcome, 1024), make(chan error, 1)
	go func() { written <- ledger.WriteOutcomes(file, outcomes) }()
	began := time.Now().Add(50 * time.Millisecond)
	fmt.Fprintln(out, began.UnixNano())
	p.calls(ctx, clients, began, outcomes)
	close(outcomes)
	return <-written
}

// open makes the clients of a plan.
func (p *Plan) open() (clients []client, err error) {
	for _, kind := range p.Clients {
		var c client
		switch kind {
		case "grpc-go":
			c, err = newGRPC(p.Fronts)
		case "connect-go":
			c = newConnect(p.Fronts, false)
		case "connect-go-h2":
			c = newConnect(p.Fronts, true)
		default:
			err = fmt.Errorf("no client %q", kind)
		}
		if err != nil {
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// wait waits until a client has answers of all that must be there before it begins.
func (p *Plan) wait(ctx context.Context, c client) error {
	for _, host := range p.Before {
		last := ledger.Outcome{}
		for end := time.Now().Add(20 * time.Second); ; {
			one, cancel := context.WithTimeout(ctx, 2*time.Second)
			last = c.call(one, call{target: host})
			cancel()
			if last.OK() {
				break
			}
			if time.Now().After(end) || ctx.Err() != nil {
				return errors.Join(ctx.Err(), fmt.Errorf("%s gets no answer of %s: %s: %s", last.Client, host, last.Code, last.Message))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// calls makes them, each in a goroutine of its own at its time, and waits for all.
func (p *Plan) calls(ctx context.Context, clients []client, began time.Time, outcomes chan<- ledger.Outcome) {
	var running sync.WaitGroup
	for number := 0; ctx.Err() == nil; number++ {
		at, more := p.at(number)
		if !more {
			break
		}
		planned := began.Add(at)
		time.Sleep(time.Until(planned))
		running.Go(func() {
			outcomes <- p.one(ctx, clients[number%len(clients)], p.call(number), planned)
		})
	}
	running.Wait()
}

func (p *Plan) one(ctx context.Context, by client, c call, planned time.Time) ledger.Outcome {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	o := by.call(ctx, c)
	o.ID, o.Write, o.Planned, o.Began, o.Ended = c.id, c.write, planned.UnixNano(), began.UnixNano(), time.Now().UnixNano()
	return o
}
