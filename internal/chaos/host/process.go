package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/signal"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
	chaosv1 "github.com/collectiverpc/collective/internal/chaos/gen/chaos/v1"
)

// grace is how long running calls have when a host stops.
const grace = 10 * time.Second

// Run runs a host, or a crowd, until it gets SIGTERM. It says "ready" on a line when it accepts calls.
func Run(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	text, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var c Config
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if c.Crowd > 0 {
		return runCrowd(ctx, &c, lines, out)
	}
	w, err := newWorker(&c)
	if err != nil {
		return err
	}
	go obey(lines, w.told)
	return serve(ctx, &c, w, func() { fmt.Fprintln(out, "ready") })
}

func serve(ctx context.Context, c *Config, w *worker, ready func()) error {
	d, closeStore, err := c.open()
	if err != nil {
		return err
	}
	if err := w.register(d); err != nil {
		return errors.Join(err, closeStore())
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	err = d.ServeListener(ctx, listener, dispatcher.Serving{Grace: grace, Socket: dispatcher.NoSocket, Ready: ready})
	return errors.Join(err, closeStore())
}

// register serves both methods.
func (w *worker) register(d *dispatcher.Dispatcher) error {
	methods := chaosv1.File_chaos_v1_work_proto.Services().ByName("WorkService").Methods()
	return errors.Join(
		dispatcher.Handle(d, Namespace, methods.ByName("Read"), func(ctx context.Context, in *chaosv1.ReadRequest) (*chaosv1.ReadResponse, error) {
			return &chaosv1.ReadResponse{Id: in.GetId()}, w.work(ctx, in.GetId(), time.Duration(in.GetWorkMs())*time.Millisecond)
		}),
		dispatcher.Handle(d, Namespace, methods.ByName("Write"), func(ctx context.Context, in *chaosv1.WriteRequest) (*chaosv1.WriteResponse, error) {
			return &chaosv1.WriteResponse{Id: in.GetId()}, w.work(ctx, in.GetId(), time.Duration(in.GetWorkMs())*time.Millisecond)
		}),
	)
}
