package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// firstPort and the two after it are where the collectors listen if they are free.
const firstPort = 50051

// stage is the three processes and their files.
type stage struct {
	a, b, c *actor
	dir     string
	kept    bool
}

// newStage prepares processes that are not started yet. keep is the directory for their files; "" for one that is
// removed at the end.
func newStage(program, keep string, notice func(string, ...any)) (*stage, error) {
	dir, err := stageDir(keep)
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, kept: keep != ""}
	listen := addresses(notice)
	s.a = &actor{id: "a", namespaces: []string{"users", "orders"}, example: "users", listen: listen[0]}
	s.b = &actor{id: "b", namespaces: []string{"orders", "inventory"}, example: "orders", listen: listen[1]}
	s.c = &actor{id: "c", namespaces: []string{"inventory", "users"}, example: "inventory", listen: listen[2]}
	for _, actor := range s.actors() {
		actor.program, actor.dir = program, dir
	}
	return s, nil
}

func stageDir(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "collector-demo-")
	}
	return keep, os.MkdirAll(keep, 0o700)
}

// addresses are the usual three ports, or free ones if any of them is taken.
func addresses(notice func(string, ...any)) [3]string {
	var usual, free [3]string
	for i := range usual {
		usual[i], free[i] = fmt.Sprintf("127.0.0.1:%d", firstPort+i), "127.0.0.1:0"
	}
	for _, address := range usual {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			notice("%s is taken, so the collectors listen on free ports", address)
			return free
		}
		_ = listener.Close() // it was only to see whether it is free
	}
	return usual
}

func (s *stage) actors() []*actor { return []*actor{s.a, s.b, s.c} }

// open starts the processes and links them as in the picture: a with b and c, and b with c.
func (s *stage) open(ctx context.Context) error {
	for _, actor := range s.actors() {
		if err := actor.start(ctx); err != nil {
			return err
		}
	}
	for _, pair := range [][2]*actor{{s.a, s.b}, {s.a, s.c}, {s.b, s.c}} {
		_, err := pair[0].mesh.ConnectTo(ctx, &meshv1.ConnectToRequest{Address: pair[1].listen})
		if err != nil {
			return fmt.Errorf("connecting %s to %s: %w", pair[0].id, pair[1].id, err)
		}
	}
	return nil
}

// close stops every process and removes the files, unless they are kept.
func (s *stage) close() error {
	stopped := make(chan error, len(s.actors()))
	for _, actor := range s.actors() {
		go func() { stopped <- actor.stop() }()
	}
	var err error
	for range s.actors() {
		err = errors.Join(err, <-stopped)
	}
	if s.kept {
		return err
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
