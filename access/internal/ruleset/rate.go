package ruleset

import (
	"strconv"
	"strings"
	"time"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

// rateUnits are those of an operator's mind; nothing is counted by the day here, since buckets do not outlive the process.
var rateUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

// readRate reads @rate("100/s"), @burst("200") and @per("method"). Only a permit can have them: a forbid has nothing to grant.
func (r *reader) readRate(rule *Rule, annotations cedar.Annotations) *Rate {
	text, ok := annotations["rate"]
	if !ok {
		for _, alone := range []types.AnnotationKey{"burst", "per"} {
			if _, found := annotations[alone]; found {
				r.refuseAt(rule, "@"+string(alone), "@"+string(alone)+" without @rate", `add @rate("100/s")`)
			}
		}
		return nil
	}
	if rule.Forbids {
		r.refuseAt(rule, "@rate", "a forbid has no rate", "put @rate on the permit that it limits")
		return nil
	}
	rate, count := r.parseRate(rule, string(text))
	rate.Burst = count
	if text, ok := annotations["burst"]; ok {
		rate.Burst = r.count(rule, "@burst", string(text))
	}
	rate.PerMethod = r.perMethod(rule, annotations)
	return rate
}

// parseRate gives the pace, and the count of the rate, which is the burst unless there is another.
func (r *reader) parseRate(rule *Rule, text string) (*Rate, int) {
	number, unit, _ := strings.Cut(text, "/")
	per, ok := rateUnits[unit]
	if !ok {
		r.refuseAt(rule, "@rate", strconv.Quote(text)+" is no rate", `a number and s, m or h: "100/s", "30/m"`)
		return &Rate{}, 1
	}
	count := r.count(rule, "@rate", number)
	return &Rate{Every: per / time.Duration(count)}, count
}

// count reads a number from 1 to a million; 1 after a problem.
func (r *reader) count(rule *Rule, annotation, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxRate {
		r.refuseAt(rule, annotation, strconv.Quote(text)+" is no count", "a whole number from 1 to "+strconv.Itoa(maxRate))
		return 1
	}
	return n
}

// perMethod reads what a bucket is for, besides the principal and the policy.
func (r *reader) perMethod(rule *Rule, annotations cedar.Annotations) bool {
	switch per := annotations["per"]; per {
	case "", "principal":
		return false
	case "method":
		return true
	default:
		r.refuseAt(rule, "@per", strconv.Quote(string(per))+" is nothing to count by", `"principal" or "method"`)
		return false
	}
}
