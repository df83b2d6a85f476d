package network

import (
	"bufio"
	"net"
	"testing"
	"time"
)

func TestDirectionLosesAndDelays(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	for name, c := range map[string]struct {
		fault  Fault
		passes bool
		waits  [2]time.Duration // of two packets of 1000 bytes
	}{
		"nothing": {Fault{}, true, [2]time.Duration{}},
		"all":     {Fault{Lost: 1}, false, [2]time.Duration{}},
		"narrow":  {Fault{BitsPerSecond: 8000}, true, [2]time.Duration{time.Second, 2 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d direction
			d.set(c.fault)
			for i, want := range c.waits {
				if wait, passes := d.turn(1000, now); wait != want || passes != c.passes {
					t.Errorf("packet %d waits %v, passes: %v", i, wait, passes)
				}
			}
		})
	}
}

// A narrow direction holds no more than its buffer.
func TestDirectionIsFull(t *testing.T) {
	t.Parallel()
	var d direction
	d.set(Fault{BitsPerSecond: 8000})
	passed := 0
	for range 1000 {
		if _, passes := d.turn(1000, time.Unix(1, 0)); passes {
			passed++
		}
	}
	if most := quantum/1000 + 2; passed < 2 || passed > most {
		t.Errorf("%d packets wait, at most %d have room", passed, most)
	}
}

// A share of losses is that share.
func TestDirectionLosesAShare(t *testing.T) {
	t.Parallel()
	var d direction
	d.set(Fault{Lost: 0.05})
	lost := 0
	for range 10_000 {
		if _, passes := d.turn(1000, time.Unix(1, 0)); !passes {
			lost++
		}
	}
	if lost < 300 || lost > 700 {
		t.Errorf("%d of 10 000 are lost, want about 500", lost)
	}
}

// A relay carries both ways, and what is cut off comes when it is not any more.
func TestRelayHoldsWhatIsCutOff(t *testing.T) {
	t.Parallel()
	n := NewRelays()
	t.Cleanup(n.Close)
	site, err := n.Add("b")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := net.Listen("tcp", site.Listen())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inside.Close() })
	outside, err := net.Dial("tcp", site.Dial())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outside.Close() })
	accepted, err := inside.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	site.Cable().In(Fault{Lost: 1})
	if _, err := outside.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	_ = accepted.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := accepted.Read(make([]byte, 1)); err == nil {
		t.Fatal("something came through")
	}
	site.Cable().In(Fault{})
	_ = accepted.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := bufio.NewReader(accepted).ReadString('\n'); line != "hello\n" || err != nil {
		t.Fatalf("came through: %q, %v", line, err)
	}
}
