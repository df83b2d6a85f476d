package registry_test

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkValidateBesideMap compares all that a dispatcher asks about a call of a typed method, whether the method may be
// called and with that message, with a look-up of its procedure in a plain map that has those of all methods. They take turns:
// so both have the same machine, whoever else uses it.
func BenchmarkValidateBesideMap(b *testing.B) {
	r := newRegistry(b)
	calls, keys := questions(tenThousand(b, r))
	plain := everyProcedure()
	ctx := b.Context()
	validate := func() {
		for i := range calls {
			c := &calls[i]
			if err := r.ValidateCall(ctx, c.namespace, c.service, c.method, c.input); err != nil {
				b.Fatal(err)
			}
		}
	}
	look := func() {
		for _, key := range keys {
			if plain[key] == nil {
				b.Fatal(key)
			}
		}
	}
	var ratios []float64
	for len(ratios) < 5 || b.Loop() {
		ratios = append(ratios, float64(took(validate))/float64(took(look)))
	}
	b.ReportMetric(median(ratios), "validate_vs_map")
	b.ReportMetric(testing.AllocsPerRun(1, validate), "validate_allocs")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func took(do func()) time.Duration {
	start := time.Now()
	do()
	return time.Since(start)
}

// everyProcedure is a plain map of what tenThousand registers.
func everyProcedure() map[string]*procedure {
	plain := make(map[string]*procedure)
	for n := range 10 {
		for service := range 1000 {
			for method := range 5 {
				c := procedureOf(n, service/10, service%10, method)
				plain[c.key()] = &c
			}
		}
	}
	return plain
}

// questions are the calls with their names as parts of one text, as those of a request are parts of its path, and that text
// as the key of the plain map: so both sides read the same memory of the question. The names of the messages are shared, as
// they are between the methods of a schema.
func questions(calls []procedure) (parts []procedure, keys []string) {
	inputs := make(map[string]string)
	for _, c := range calls {
		if inputs[c.input] == "" {
			inputs[c.input] = c.input
		}
		key := c.key()
		service := len(c.namespace) + 1
		method := service + len(c.service) + 1
		keys = append(keys, key)
		parts = append(parts, procedure{key[:service-1], key[service : method-1], key[method:], inputs[c.input]})
	}
	return parts, keys
}

func (p procedure) key() string { return p.namespace + "/" + p.service + "/" + p.method }
