package ruleset_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/collectiverpc/collective/access/internal/ruleset"
)

func read(t testing.TB, text string) *ruleset.Set {
	t.Helper()
	set, err := ruleset.Read("p.cedar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestRead_TextsOfTheProgram(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"default": ruleset.Default, "floor": ruleset.Floor, "anonymous": ruleset.Anonymous, "nothing": "", "comments": "// ;\n"} {
		set := read(t, text)
		for _, r := range set.Rules() {
			if strings.HasPrefix(r.ID, "line-") || !strings.HasPrefix(r.Text, "@id") || !strings.HasSuffix(r.Text, ";") {
				t.Errorf("%s: rule %q has the text %q", name, r.ID, r.Text)
			}
		}
	}
}

// Whatever is wrong is refused with its place and what is known instead.
func TestRead_RefusesWithThePlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`permit(principal is User, action == Action::"cal", resource);`:                                       "1:37: unrecognized action",
		`permit(principal is Usr, action == Action::"call", resource);`:                                       "1:21: unrecognized entity type `Usr`",
		"permit(principal, action, resource)\nwhen { context.netwrk == \"x\" };":                              "2:16: attribute `netwrk` not found",
		`permit(principal, action, resource) when { resource.nam == "x" };`:                                   "1:53: attribute `nam` not found",
		`permit(principal, action, resource) when { context.network == 1 };`:                                  "1:1: the types Long and String are not compatible",
		`permit(principal, action, resource) when { context.network < 1 };`:                                   "1:1: unexpected type: expected Long but saw String",
		`permit(principal, action, resource) when { context.network };`:                                       "1:1: unexpected type: expected Bool but saw String",
		`permit(principal, action == Action::"call", resource == Mesh::"mesh");`:                              "1:1: unable to find an applicable action",
		`permit(principal in Namespace::"x", action, resource);`:                                              "1:1: unable to find an applicable action",
		`permit(principal is User action, resource);`:                                                         `1:32: no Cedar at ","`,
		`permit(principal, action, resource) when { "abc };`:                                                  "1:44: no Cedar at literal not terminated",
		`permit(principal, action, resource) when { foo(1) };`:                                                "1:48: no Cedar at",
		`permit(principal, action, resource) when { resource == Foo::"x" };`:                                  "1:56: unrecognized entity type `Foo`",
		`permit(principal, action, resource)`:                                                                 "no Cedar at",
		`allow(principal, action, resource);`:                                                                 "1:6: no Cedar at",
		"\xff":                                                                                                "p.cedar: not UTF-8",
		`@id("a b") permit(principal, action, resource);`:                                                     `1:1: "a b" cannot be an id`,
		`@id("a") permit(principal, action, resource); @id("a") permit(principal, action, resource);`:         "1:47: the id stands for the policy of line 1 already",
		`@rate("fast") permit(principal, action, resource);`:                                                  `1:1: "fast" is no rate`,
		`@rate("0/s") permit(principal, action, resource);`:                                                   `1:1: "0" is no count`,
		`@rate("1/d") permit(principal, action, resource);`:                                                   `1:1: "1/d" is no rate`,
		`@rate("1/s") @burst("-1") permit(principal, action, resource);`:                                      `1:14: "-1" is no count`,
		`@rate("1/s") @per("call") permit(principal, action, resource);`:                                      `1:14: "call" is nothing to count by`,
		`@burst("1") permit(principal, action, resource);`:                                                    "1:1: @burst without @rate",
		`@rate("1/s") forbid(principal, action, resource);`:                                                   "1:1: a forbid has no rate",
		`permit(principal, action, resource) when { ` + strings.Repeat("(", 65):                               "brackets nest deeper than 64",
		`permit(principal, action, resource) when { context.via == "` + strings.Repeat("x", 8<<10) + `" };`:   "more than 8192",
		strings.Repeat("permit(principal,action,resource);", 10_001):                                          "more than 10000 policies",
		strings.Repeat("//////////////////////////////\n", 1<<16):                                             "more than 1048576",
		`permit(principal, action, resource) when { true` + strings.Repeat(" && context has via", 33) + ` };`: "more than 32 tests by `has`",
	} {
		_, err := ruleset.Read("p.cedar", []byte(text))
		problems, ok := errors.AsType[ruleset.Problems](err)
		if !ok || len(problems) != 1 {
			t.Errorf("%.80s: %d problems: %v", text, len(problems), err)
			continue
		}
		p := problems[0]
		if told := fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message); !strings.Contains(told, want) && !strings.Contains(p.String(), want) {
			t.Errorf("%.80s: %s, want %s", text, told, want)
		}
	}
}

// Brackets, semicolons and quotes within strings and comments are none.
func TestRead_StringsAndCommentsAreSkipped(t *testing.T) {
	t.Parallel()
	inside := strings.Repeat("(;", 100)
	set := read(t, `// `+inside+`"
@id("a") permit(principal, action, resource) when { context.via == "`+inside+`\"\\" }; // " `+inside+`
@id("b") permit(principal, action, resource);`)
	if rules := set.Rules(); len(rules) != 2 || rules[1].Text != `@id("b") permit(principal, action, resource);` || rules[1].Line != 3 {
		t.Errorf("%+v", rules)
	}
}

func TestRead_FilesOfManyMistakesAreBounded(t *testing.T) {
	t.Parallel()
	_, err := ruleset.Read("p", []byte(strings.Repeat("permit(principal, action, resource) when { context.nope };\n", 1000)))
	problems, _ := errors.AsType[ruleset.Problems](err)
	if len(problems) != 100 || strings.Count(err.Error(), "\n") != 20 {
		t.Errorf("%d problems: %v", len(problems), err)
	}
}

func TestRead_Rates(t *testing.T) {
	t.Parallel()
	set := read(t, `
@id("a") @rate("100/s") permit(principal, action, resource);
@id("b") @rate("30/m") @burst("5") @per("method") permit(principal, action, resource);
@id("c") @rate("1/h") @per("principal") @description("slow") permit(principal, action, resource);
@id("d") permit(principal, action, resource);`)
	want := map[string]ruleset.Rate{
		"a": {Every: 10 * time.Millisecond, Burst: 100}, "b": {Every: 2 * time.Second, Burst: 5, PerMethod: true}, "c": {Every: time.Hour, Burst: 1},
	}
	for _, r := range set.Rules() {
		if rate, limited := want[r.ID]; limited != (r.Rate != nil) || limited && *r.Rate != rate {
			t.Errorf("%s: %+v, want %+v", r.ID, r.Rate, rate)
		}
	}
}

// The index leaves out only what could not apply: with or without it an answer is the same.
func TestEvaluate_IndexChangesNoAnswer(t *testing.T) {
	t.Parallel()
	scopes := [][3]string{}
	for _, p := range []string{`principal`, `principal is User`, `principal == User::"a"`, `principal in Group::"g"`, `principal is Service in Group::"g"`} {
		for _, a := range []string{`action`, `action == Action::"call"`, `action in [Action::"describe", Action::"observe"]`} {
			for _, r := range []string{`resource`, `resource is Method`, `resource in Namespace::"n"`, `resource == Method::"s.S/M"`, `resource in RPCService::"s.S"`, `resource is Method in Namespace::"n"`} {
				scopes = append(scopes, [3]string{p, a, r})
			}
		}
	}
	var indexed, plain strings.Builder
	for i, s := range scopes {
		fmt.Fprintf(&indexed, "@id(\"r%d\") permit(%s, %s, %s);\n", i, s[0], s[1], s[2])
		condition := []string{}
		for _, part := range s {
			switch {
			case part == "principal" || part == "action" || part == "resource":
			case strings.Contains(part, " is ") && strings.Contains(part, " in "):
				variable, rest, _ := strings.Cut(part, " is ")
				kind, group, _ := strings.Cut(rest, " in ")
				condition = append(condition, fmt.Sprintf("%s is %s && %s in %s", variable, kind, variable, group))
			default:
				condition = append(condition, part)
			}
		}
		fmt.Fprintf(&plain, "@id(\"r%d\") permit(principal, action, resource) when { %s };\n", i, strings.Join(append(condition, "true"), " && "))
	}
	byIndex, byAll := read(t, indexed.String()), read(t, plain.String())
	asked := 0
	for _, kind := range []string{"User", "Service", "Anonymous"} {
		for _, id := range []string{"a", "b"} {
			for _, groups := range [][]string{nil, {"g"}, {"f", "h"}} {
				for _, action := range []string{"call", "describe", "operate"} {
					for _, place := range [][2]string{{"n", "/s.S/M"}, {"m", "/s.S/M"}, {"n", "/s.T/M"}, {"n", "/s.S"}, {"n", ""}, {"", "/s.S/M"}, {"", ""}} {
						r := &ruleset.Request{Kind: kind, ID: id, Groups: groups, Action: action, Namespace: place[0], Procedure: place[1], Network: "remote"}
						if got, want := ids(byIndex.Evaluate(r)), ids(byAll.Evaluate(r)); !slices.Equal(got, want) {
							t.Fatalf("%+v: %v, want %v", r, got, want)
						}
						asked++
					}
				}
			}
		}
	}
	t.Logf("%d rules, %d requests", len(scopes), asked)
}

func ids(v ruleset.Verdict) []string {
	var ids []string
	for _, r := range v.Decided {
		ids = append(ids, r.ID)
	}
	return ids
}

// Whatever is read can be evaluated, and what is refused says where.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		ruleset.Default, ruleset.Floor, `permit(principal, action, resource) when { context.via like "a*" && !(context.tls) };`,
		`@id("a") @rate("1/s") @burst("2") @per("method") permit(principal in Group::"g", action, resource == Method::"a/b");`,
		`forbid(principal, action, resource) unless { if context.tls then resource.service == "x" else [1, 2].contains(3) };`,
		`permit(principal, action, resource) when { ip("1.2.3.4").isInRange(ip("1.0.0.0/8")) || {"a": 1}.a == 1 };`, `"`, `\`, "//", "\"\\\n", "permit((((",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := ruleset.Read("p", []byte(text))
		if err != nil {
			problems, ok := errors.AsType[ruleset.Problems](err)
			if !ok || len(problems) == 0 || set != nil {
				t.Fatalf("%q: %v", text, err)
			}
			for _, p := range problems {
				if p.Message == "" || p.Line > strings.Count(text, "\n")+1 || strings.HasPrefix(p.Message, "cannot be checked") {
					t.Errorf("%q: %+v", text, p)
				}
			}
			return
		}
		for _, r := range []*ruleset.Request{
			{Kind: "User", ID: "a", Groups: []string{"g"}, Action: "call", Namespace: "n", Procedure: "/a/b", Network: "remote"},
			{Kind: "Anonymous", ID: "anonymous", Action: "operate"},
		} {
			v := set.Evaluate(r)
			if v.Allowed && (len(v.Decided) == 0 || v.Decided[0].Forbids) {
				t.Errorf("%q: allowed by %v", text, ids(v))
			}
			for _, rule := range append(v.Decided, failed(v)...) {
				if rule == nil || !strings.Contains(text, rule.Text) {
					t.Errorf("%q: rule %+v", text, rule)
				}
			}
		}
	})
}

func failed(v ruleset.Verdict) []*ruleset.Rule {
	var rules []*ruleset.Rule
	for _, f := range v.Failed {
		rules = append(rules, f.Rule)
	}
	return rules
}
