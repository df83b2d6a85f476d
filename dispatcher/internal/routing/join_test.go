package routing

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A view that keeps what has not changed is the one that would be made anew, whatever changes.
func TestJoinKeepsWhatIsTheSame(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(11, 12))
	methods := []string{"ns/x.S/Get", "ns/x.S/Put", "other/x.S/Get", "third/y.T/Get"}
	kept := 0
	for range 200 {
		in := Inputs{Self: "a", Namespaces: []string{"ns", "other"}, Local: localOf(t, "ns/x.S/Put")}
		peers := map[string]*Peer{}
		for range 20 {
			switch id := pick(random, "b", "c", "d", "e"); random.IntN(4) {
			case 0:
				delete(peers, id)
			case 1:
				in.Local = localOf(t, pick(random, methods...))
			default:
				peers[id] = randomPeer(t, random, id, methods)
			}
			in.Peers = slices.Collect(maps.Values(peers))
			next := Join(in)
			kept += keptOf(in.Before, next)
			if problem := next.check(); problem != "" {
				t.Fatal(problem)
			}
			if in.Before != nil {
				all := *in.Before
				all.local = nil // so that nothing is kept
				anew := in
				anew.Before = &all
				if diff := cmp.Diff(textOf(Join(anew)), textOf(next)); diff != "" {
					t.Fatalf("-anew +kept:\n%s", diff)
				}
			}
			in.Before = next
		}
	}
	if kept == 0 {
		t.Error("no namespace was ever kept")
	}
}

func keptOf(before, next *View) (kept int) {
	if before == nil {
		return 0
	}
	for name, s := range next.Namespaces {
		if before.Namespaces[name] == s {
			kept++
		}
	}
	return kept
}

// textOf is all that a view says of who serves what.
func textOf(v *View) []string {
	var lines []string
	for _, s := range v.Namespaces {
		ids := func(peers []*RoutePeer) string {
			var list []string
			for _, p := range peers {
				if v.Peers[p.ID] != p {
					list = append(list, "a peer that is not of the view:")
				}
				list = append(list, p.ID+"="+p.Condition)
			}
			return strings.Join(list, ",")
		}
		lines = append(lines, s.Name+" seeds "+ids(s.seeds))
		for procedure, e := range s.Entries {
			lines = append(lines, fmt.Sprint(s.Name, procedure, " local ", e.Local != nil, " peers ", ids(e.Peers), " gone ", ids(e.unreachable)))
		}
	}
	for procedure, owners := range v.owners {
		lines = append(lines, procedure+" in "+strings.Join(owners, ","))
	}
	slices.Sort(lines)
	return lines
}

// BenchmarkJoin joins a view of which one peer of two has changed. Each has its own namespace.
func BenchmarkJoin(b *testing.B) {
	for _, n := range []int{2000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			large, small := manyMethods(n, "ns"), manyMethods(100, "other")
			in := Inputs{Self: "a", Namespaces: []string{"ns", "other"}, Local: localOf(b)}
			one, other := peerServing(b, "b", active, "ns", large...), peerServing(b, "c", active, "other", small...)
			in.Peers = []*Peer{one, other}
			in.Before = Join(in)
			b.Run("the large one", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					changed := *one
					in.Peers = []*Peer{&changed, other}
					Join(in)
				}
			})
			b.Run("the other one", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					changed := *other
					in.Peers = []*Peer{one, &changed}
					Join(in)
				}
			})
		})
	}
}

func manyMethods(n int, namespace string) (methods []string) {
	for i := range n {
		methods = append(methods, fmt.Sprintf("%s/x.Service%d/Method%d", namespace, i/10, i))
	}
	return methods
}
