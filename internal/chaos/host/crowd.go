package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/collectiverpc/collective/dispatcher"
)

// crowd are many collectors that are peers of one.
type crowd struct {
	config  *Config
	members []*dispatcher.Dispatcher
	made    *services
}

// methods is how many of them each member of a crowd serves all the time.
const methods = 10

// changes is how many catalogs of a crowd change in a second.
const changes = 1000

// runCrowd makes the members, says "ready" when all are linked, and waits for "quiet DURATION" and "churn DURATION".
func runCrowd(ctx context.Context, c *Config, lines *bufio.Reader, out io.Writer) error {
	k := &crowd{config: c, made: new(services)}
	if err := k.gather(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	obey(lines, func(command string) error {
		word, argument, _ := strings.Cut(command, " ")
		span, err := time.ParseDuration(argument)
		if err != nil || word != "churn" && word != "quiet" {
			return errors.Join(err, fmt.Errorf("no command %q", command))
		}
		ctx, cancel := context.WithTimeout(ctx, span)
		defer cancel()
		if word == "quiet" {
			return k.probe(ctx, word)
		}
		return k.churn(ctx, word)
	})
	return nil
}

// gather makes and links the members, as many at once as a collector takes from one address.
func (k *crowd) gather(ctx context.Context) error {
	places := make(chan struct{}, 8)
	k.members = make([]*dispatcher.Dispatcher, k.config.Crowd)
	failures := make([]error, k.config.Crowd)
	var all sync.WaitGroup
	for i := range k.members {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			k.members[i], failures[i] = k.member(ctx, i)
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (k *crowd) member(ctx context.Context, number int) (*dispatcher.Dispatcher, error) {
	d, err := k.config.collector(fmt.Sprintf("crowd-%d", number), k.config.Listen)
	if err != nil {
		return nil, err
	}
	if err := k.made.register(d, methods); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = d.ConnectTo(ctx, k.config.Join, []string{Namespace})
	return d, err
}

// churn adds and removes services of the members in turn, and beside it measures how long new methods take to be called.
func (k *crowd) churn(ctx context.Context, command string) error {
	probed := make(chan error, 1)
	go func() { probed <- k.probe(ctx, command) }()
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / changes)))
		if err := k.change(n); err != nil {
			return err
		}
	}
	return <-probed
}

// change adds a service to a member, or takes it away the next time round.
func (k *crowd) change(n int) error {
	d, round := k.members[n%len(k.members)], n/len(k.members)
	name := fmt.Sprintf("chaos.churn.Service%d", n%len(k.members))
	if round%2 == 1 {
		d.Unregister(Namespace, name)
		return nil
	}
	return k.made.registerNamed(d, name, 1)
}

// VisibleFile has, line by line, after how many nanoseconds a new method was called with success during a command.
func VisibleFile(command string) string { return "visible." + command }

// probers is how many new methods are waited for at once.
const probers = 4

// probe registers something new again and again, and calls it until somebody answers.
func (k *crowd) probe(ctx context.Context, command string) error {
	file, err := os.Create(filepath.Join(k.config.Ledger, VisibleFile(command)))
	if err != nil {
		return err
	}
	defer file.Close()
	failures := make([]error, probers)
	var all sync.WaitGroup
	for i := range probers {
		all.Go(func() {
			for n := i; ctx.Err() == nil && failures[i] == nil; n += probers {
				failures[i] = k.probeOnce(ctx, fmt.Sprintf("chaos.%s.Probe%d", command, n), k.members[n*7%len(k.members)], file)
				pause(ctx, 50*time.Millisecond)
			}
		})
	}
	all.Wait()
	return errors.Join(failures...)
}

func (k *crowd) probeOnce(ctx context.Context, name string, d *dispatcher.Dispatcher, file *os.File) error {
	if err := k.made.registerNamed(d, name, 1); err != nil {
		return err
	}
	defer d.Unregister(Namespace, name)
	began := time.Now()
	if !k.answered(ctx, name) {
		return nil
	}
	_, err := fmt.Fprintln(file, time.Since(began).Nanoseconds())
	return err
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// between is the pause between two calls of a method that is not known yet.
const between = time.Millisecond

// answered calls the first method of a service by the front, with an empty message, until somebody answers, or it is over.
func (k *crowd) answered(ctx context.Context, name string) bool {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.config.Join+"/"+name+"/Method0", http.NoBody)
		if err != nil {
			return false
		}
		req.Header.Set("Content-Type", "application/proto")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return true
		}
		pause(ctx, between)
	}
	return false
}
