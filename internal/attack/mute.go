package main

import (
	"fmt"
	"time"
)

// mutes is how many peers announce methods and never answer what is asked about them.
const mutes = 4

// mute is how much longer it takes until the schema of an honest peer is known while others announce theirs and never send
// them.
func mute(s *Stage) ([]Figure, error) {
	control, err := learnt(s, 0)
	if err != nil {
		return nil, err
	}
	attacked, err := learnt(s, mutes)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.out, "# without mute peers %v, with %d of them %v\n", control, mutes, attacked)
	return []Figure{{Name: "mute_delay", Value: max(0, attacked-control).Seconds(), Unit: "s"}}, nil
}

// learnt is how long after its start an honest peer's schema is known to a target that has mute ones.
func learnt(s *Stage, mute int) (time.Duration, error) {
	a, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "orders,users")
	if err != nil {
		return 0, err
	}
	defer a.kill()
	for i := range mute {
		between, err := newWithholder(s, a.Address, nil, opens)
		if err != nil {
			return 0, err
		}
		peer, err := newStranger(fmt.Sprintf("mute%d", i), nil)
		if err != nil {
			return 0, err
		}
		defer peer.leave()
		between.withhold()
		if _, err := peer.ConnectTo(s.ctx, between.address, []string{"orders"}); err != nil {
			return 0, fmt.Errorf("linking: %w", err)
		}
	}
	began := time.Now()
	b, err := s.serve("--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users", "--join", a.Address)
	if err != nil {
		return 0, err
	}
	defer b.kill()
	s.until(patience, func() bool {
		_, err := s.run("services", "describe", "shop.v1.UserService", "-s", a.URL)
		return err == nil
	})
	return time.Since(began), nil
}
