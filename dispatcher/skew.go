package dispatcher

import (
	"slices"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/schema"
	"github.com/collectiverpc/collective/mesh"
)

// compare says whether a peer's schema of a method is another one than the method has here, and what of that. It looks
// up what judge has found.
func (e *entry) compare(o offer, known *knownSchemas) (differs bool, skew skewed) {
	m := o.method
	skew = skewed{station: o.station}
	switch {
	case streamType(m) != e.stream:
		skew.reason = "serves another kind of method under this name"
		return true, skew
	case e.fingerprint == 0:
		return false, skew
	case m.GetInputType() != e.input || m.GetOutputType() != e.output:
		skew.reason = "has another schema of it, from " + m.GetInputType() + " to " + m.GetOutputType()
		return true, skew
	case m.GetFingerprint() == e.fingerprint || m.GetFingerprint() == 0:
		return false, skew
	}
	found, ok := known.verdictOn(pair{e.fingerprint, m.GetFingerprint()})
	switch {
	case !ok:
		skew.pending = true
		skew.reason = "has another schema of it, which is not known here" + known.why(o.station.ID, m.GetNamespace())
	case found.breaks:
		skew.reason = "has an incompatible schema of it: " + found.text
	default:
		skew.compatible = true
		skew.reason = "has another schema of it, which is compatible"
		if found.text != "" {
			skew.reason += "; it differs in " + found.text
		}
	}
	return true, skew
}

// verdictOn is what is known of two schemas.
func (k *knownSchemas) verdictOn(p pair) (verdict, bool) {
	if k == nil {
		return verdict{}, false
	}
	v, ok := k.verdicts[p]
	return v, ok
}

// why says why the schemas of a peer are not known.
func (k *knownSchemas) why(collector, namespace string) string {
	if p := k.of(collector, namespace); p != nil && p.err != nil {
		return ": " + p.refusal()
	}
	return " yet"
}

func skewOf(list []skewed, st *station) (skewed, bool) {
	i := slices.IndexFunc(list, func(s skewed) bool { return s.station == st })
	if i < 0 {
		return skewed{}, false
	}
	return list[i], true
}

func (e *entry) isOdd(st *station) bool {
	_, odd := skewOf(e.odd, st)
	return odd
}

// incompatible refuses a call with a target whose schema of the method is another one.
func (v *view) incompatible(s *space, e *entry, c call, st *station) *refusal.Refusal {
	skew, _ := skewOf(e.odd, st)
	owner := e.owner
	if e.local != nil {
		owner = v.self
	}
	code := connect.CodeFailedPrecondition
	if skew.pending {
		code = connect.CodeUnavailable
	}
	r := refusal.New(code, mesh.ReasonSchemaIncompatible, "collector "+refusal.Quoted(st.ID)+" "+skew.reason+"; "+refusal.Spoken(e.procedure)+
		" in namespace "+refusal.Quoted(s.name)+" is what collector "+refusal.Quoted(owner)+" has: bring both to one schema, or call it without a target")
	r.Looked = &examined{v, s, e, c}
	return r
}

// skews lists who has another schema of a method.
func (e *entry) skews() []*meshv1.SchemaSkew {
	var list []*meshv1.SchemaSkew
	for _, s := range e.odd {
		list = append(list, &meshv1.SchemaSkew{CollectorId: s.ID, Reason: s.reason, Pending: s.pending})
	}
	for _, s := range e.varied {
		list = append(list, &meshv1.SchemaSkew{CollectorId: s.ID, Compatible: true, Reason: s.reason})
	}
	return list
}

// callerSchemas compares what clients in this process were generated from with what peers serve: once for each pair.
// The zero value is ready to use.
type callerSchemas struct {
	// judged is replaced as a whole, so that calls read it without a lock.
	judged  atomic.Pointer[map[callerPair]verdict]
	judging sync.Mutex
}

// callerPair is a client's schema of a method and the fingerprint of a peer's.
type callerPair struct {
	ours   protoreflect.MethodDescriptor
	theirs uint64
}

// maxCallerPairs bounds what is remembered. Beyond it all is forgotten.
const maxCallerPairs = 4096

// skew is what a client and peers come to; the zero verdict, which breaks nothing, if that is not known.
func (c *callerSchemas) skew(v *view, e *entry, d *decision, namespace string, spec connect.Spec) verdict {
	ours, ok := spec.Schema.(protoreflect.MethodDescriptor)
	if !ok || ours == nil || e == nil || d.len() == 0 || d.seed {
		return verdict{}
	}
	p := callerPair{ours, e.fingerprint}
	if len(e.varied) > 0 {
		m, _ := d.peer(0).Method(namespace, e.procedure)
		p.theirs = m.GetFingerprint()
	}
	if judged := c.judged.Load(); judged != nil {
		if found, ok := (*judged)[p]; ok {
			return found
		}
	}
	return c.judge(v.known.of(d.peer(0).ID, namespace), e, p)
}

func (c *callerSchemas) judge(known *peerSchema, e *entry, p callerPair) verdict {
	var found verdict
	if p.theirs != 0 && schema.Fingerprint(p.ours) != p.theirs {
		theirs := known.method(e.service, e.method)
		if theirs == nil || schema.Fingerprint(theirs) != p.theirs {
			return verdict{} // not known yet: the next call asks again
		}
		found = judged(schema.Skew(p.ours, theirs))
	}
	c.judging.Lock()
	defer c.judging.Unlock()
	next := make(map[callerPair]verdict)
	if judged := c.judged.Load(); judged != nil && len(*judged) < maxCallerPairs {
		for known, verdict := range *judged {
			next[known] = verdict
		}
	}
	next[p] = found
	c.judged.Store(&next)
	return found
}

// refuseCaller refuses a call of a client in this process that the peer would misunderstand.
func refuseCaller(d *decision, e *entry, found verdict) *refusal.Refusal {
	service, _, _ := name.SplitProcedure(e.procedure)
	return refusal.New(connect.CodeFailedPrecondition, mesh.ReasonSchemaIncompatible,
		"the client was generated from another schema of "+service+" than collector "+refusal.Quoted(d.peer(0).ID)+" has: "+found.text)
}
