package catalog

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// peer is the other end of a link, as package conn has one.
type peer struct {
	teller *Teller
	shared []string
	agreed uint64
	holds  *Set
	base   uint64
	// On the way, in the order in which they were sent.
	announced []announcement
	done      []done
}

type announcement struct {
	revision uint64
	data     []byte
}

type done struct {
	revision uint64
	holds    bool
}

// tell announces what there is, if it is time.
func (p *peer) tell(o *Own) {
	if revision, data := p.teller.Next(o, p.agreed, p.shared); revision != 0 {
		p.announced = append(p.announced, announcement{revision, bytes.Clone(data)})
	}
}

// arrive takes the next announcement; refuse is a peer that has no room for it.
func (p *peer) arrive(t *testing.T, refuse bool) {
	a := p.announced[0]
	p.announced = p.announced[1:]
	told, err := Read(a.data, p.holds, p.base, nil)
	if p.base = 0; err == nil && !refuse {
		p.holds, p.base = told.Set, a.revision
	}
	p.done = append(p.done, done{a.revision, err == nil && !refuse})
	if err != nil {
		t.Fatalf("revision %d is refused: %v", a.revision, err)
	}
}

func (p *peer) take() {
	p.teller.Taken(p.done[0].revision, p.done[0].holds)
	p.done = p.done[1:]
}

// lose is a link that ends, with all that is on the way, and another.
func (p *peer) lose() {
	*p = peer{teller: new(Teller), shared: p.shared, agreed: 1, holds: p.holds}
}

// Any registrations, announcements that are late, refused or lost with their link, and agreements on other namespaces end with both
// ends at the same set.
func TestBothEndsComeToTheSame(t *testing.T) {
	t.Parallel()
	all := []string{"asia", "eu", "us"}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(7, seed))
		own := NewOwn()
		p := &peer{teller: new(Teller), shared: all, agreed: 1, holds: new(Set)}
		for range 300 {
			switch random.IntN(12) {
			case 0:
				p.lose()
			case 1:
				p.agreed++
				p.shared = slices.Sorted(maps.Keys(map[string]bool{all[random.IntN(3)]: true, all[random.IntN(3)]: true}))
			case 2:
				own = replace(t, own, random)
			case 3, 4, 5:
				own = amend(t, own, random)
			case 6, 7:
				p.tell(own)
			case 8, 9:
				if len(p.announced) > 0 {
					p.arrive(t, random.IntN(5) == 0)
				}
			default:
				if len(p.done) > 0 {
					p.take()
				}
			}
		}
		own = amend(t, own, random) // who refuses a full set is told the next change
		for p.tell(own); len(p.announced)+len(p.done) > 0; p.tell(own) {
			if len(p.announced) > 0 {
				p.arrive(t, false)
			}
			p.take()
		}
		wantSame(t, own, p)
	}
}

func wantSame(t *testing.T, own *Own, p *peer) {
	t.Helper()
	count := 0
	for _, namespace := range p.shared {
		for procedure, m := range own.In(namespace) {
			count++
			if got, ok := p.holds.Method(namespace, procedure); !ok || !proto.Equal(got, m) {
				t.Fatalf("%s in %s is %v, want %v", procedure, namespace, got, m)
			}
		}
		if fmt.Sprintf("%x", own.Files(namespace)) != fmt.Sprintf("%x", p.holds.Files(namespace)) {
			t.Fatalf("the files of %s differ", namespace)
		}
	}
	if p.holds.Len() != count {
		t.Fatalf("the peer holds %d methods, want %d", p.holds.Len(), count)
	}
}

func anyMethod(random *rand.Rand) *meshv1.CatalogMethod {
	return &meshv1.CatalogMethod{
		Namespace: []string{"asia", "eu", "us"}[random.IntN(3)], Procedure: fmt.Sprintf("/a.B%d/C%d", random.IntN(3), random.IntN(8)),
		Fingerprint: random.Uint64N(2),
	}
}

func anySchema(random *rand.Rand, namespace string) *meshv1.CatalogSchema {
	s := &meshv1.CatalogSchema{Namespace: namespace}
	for range random.IntN(3) {
		s.FileHashes = append(s.FileHashes, bytes.Repeat([]byte{byte(random.IntN(3))}, 32))
	}
	return s
}

func amend(t *testing.T, own *Own, random *rand.Rand) *Own {
	t.Helper()
	changes := new(meshv1.Catalog)
	for range 1 + random.IntN(4) {
		m := anyMethod(random)
		if random.IntN(2) == 0 {
			m.Fingerprint, m.Removed = 0, true
		}
		changes.Methods = append(changes.Methods, m)
	}
	if random.IntN(3) == 0 {
		changes.Schemas = append(changes.Schemas, anySchema(random, "eu"))
	}
	next, err := own.Amend(changes)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func replace(t *testing.T, own *Own, random *rand.Rand) *Own {
	t.Helper()
	in := new(meshv1.Catalog)
	seen := make(map[string]bool)
	for range random.IntN(20) {
		m := anyMethod(random)
		if key := m.GetNamespace() + m.GetProcedure(); !seen[key] {
			seen[key] = true
			in.Methods = append(in.Methods, m)
		}
	}
	in.Schemas = append(in.Schemas, anySchema(random, "us"))
	next, err := own.Replace(in)
	if err != nil {
		t.Fatal(err)
	}
	if next.Len() != len(in.GetMethods()) {
		t.Fatalf("%d methods, want %d", next.Len(), len(in.GetMethods()))
	}
	return next
}

// A peer that has drifted, by whatever fault, is told the full set.
func TestDriftIsMended(t *testing.T) {
	t.Parallel()
	own, err := NewOwn().Amend(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "eu", Procedure: "/old.Y/Z"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{teller: new(Teller), shared: []string{"asia", "eu", "us"}, agreed: 1, holds: new(Set)}
	p.tell(own)
	p.arrive(t, false)
	p.take()
	p.holds = new(Set)
	next, err := own.Amend(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "eu", Procedure: "/new.Y/Z"}}})
	if err != nil {
		t.Fatal(err)
	}
	revision, changes := p.teller.Next(next, p.agreed, p.shared)
	if _, err := Read(changes, p.holds, p.base, nil); err == nil {
		t.Fatal("it is not seen")
	}
	p.base = 0
	p.teller.Taken(revision, false)
	p.tell(next)
	p.arrive(t, false)
	wantSame(t, next, p)
}

// A change costs as much beside a hundred methods as beside fifty thousand, on both ends and on the way.
func TestAChangeCostsWhatChanged(t *testing.T) { //nolint:paralleltest // counts what is allocated
	allocated := make(map[int]float64)
	for _, size := range []int{100, 50_000} {
		full := new(meshv1.Catalog)
		for i := range size {
			full.Methods = append(full.Methods, &meshv1.CatalogMethod{Namespace: "eu", Procedure: fmt.Sprintf("/a.B%d/C%d", i/50, i%50)})
		}
		own, err := NewOwn().Replace(full)
		if err != nil {
			t.Fatal(err)
		}
		p := &peer{teller: new(Teller), shared: []string{"eu"}, agreed: 1, holds: new(Set)}
		p.tell(own)
		p.arrive(t, false)
		p.take()
		n, bytes := 0, 0
		allocated[size] = testing.AllocsPerRun(100, func() {
			n++
			own, err = own.Amend(&meshv1.Catalog{Methods: []*meshv1.CatalogMethod{{Namespace: "eu", Procedure: fmt.Sprintf("/new.Y/Z%d", n)}}})
			if err != nil {
				t.Fatal(err)
			}
			p.tell(own)
			bytes = max(bytes, len(p.announced[0].data))
			p.arrive(t, false)
			p.take()
		})
		if bytes > 100 {
			t.Errorf("a change is %d bytes on the way", bytes)
		}
	}
	if few, many := allocated[100], allocated[50_000]; many > 2*few {
		t.Errorf("a change allocates %.0f times beside 50 000 methods, %.0f times beside 100", many, few)
	}
}
