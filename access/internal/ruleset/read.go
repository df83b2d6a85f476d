package ruleset

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// Read reads a file of policies and checks all of it. The error is [Problems]: every one that was found, or the first if the
// text is no Cedar. A text without a policy is a set that denies everything.
func Read(file string, text []byte) (set *Set, err error) {
	defer func() { // the validator is young, and a text that it cannot take is no reason for a collector to end
		if cause := recover(); cause != nil {
			set, err = nil, Problems{{File: file, Message: fmt.Sprintf("cannot be checked: %v", cause), Hint: "please report this as a bug"}}
		}
	}()
	if err := checkBounds(file, text); err != nil {
		return nil, err
	}
	policies, err := cedar.NewPolicyListFromBytes(file, text)
	if err != nil {
		return nil, Problems{parseProblem(file, text, err)}
	}
	checker, err := newChecker()
	if err != nil {
		return nil, err
	}
	reader := &reader{checker: checker, file: file, text: text, lineOf: make(map[string]int, len(policies))}
	for i, policy := range policies {
		if len(reader.problems) >= maxProblems {
			break
		}
		reader.add(policy, reader.end(policies, i))
	}
	if len(reader.problems) > 0 {
		return nil, reader.problems
	}
	return newSet(reader.rules), nil
}

// end is where the text of a policy ends: at its semicolon, the last one before the next policy.
func (r *reader) end(policies cedar.PolicyList, i int) int {
	if i+1 < len(policies) {
		return policies[i+1].Position().Offset
	}
	return len(r.text)
}

// add makes a rule of a policy. It takes the scope only of one that the schema allows, so that the index knows every word.
func (r *reader) add(policy *cedar.Policy, end int) {
	position := policy.Position()
	rule := &Rule{
		ID: "line-" + strconv.Itoa(position.Line), File: r.file, Line: position.Line, Column: position.Column,
		Text: untilSemicolon(r.text[position.Offset:end]), Forbids: policy.Effect() == cedar.Forbid, compiled: policy,
	}
	r.readAnnotations(rule, policy.Annotations())
	found := len(r.problems)
	r.checkSchema(rule, (*ast.Policy)(policy.AST()))
	if len(r.problems) == found {
		rule.readScope((*ast.Policy)(policy.AST()))
	}
	r.rules = append(r.rules, rule)
}

// untilSemicolon cuts off what follows a policy: comments of the next one.
func untilSemicolon(text []byte) string {
	s := &scan{text: text}
	for s.at < len(text) && s.policies == 0 {
		if s.step() != nil {
			break
		}
	}
	return string(text[:s.at])
}

// readAnnotations takes those that mean something here. Others are for other programs, as Cedar has it.
func (r *reader) readAnnotations(rule *Rule, annotations cedar.Annotations) {
	id, named := annotations["id"]
	if named {
		rule.ID = r.checkID(rule, string(id))
	}
	if _, taken := r.lineOf[rule.ID]; taken && !named {
		rule.ID += "-" + strconv.Itoa(rule.Column)
	}
	if before, taken := r.lineOf[rule.ID]; taken {
		r.refuse(rule, fmt.Sprintf("the id stands for the policy of line %d already", before), "give each its own @id")
	}
	r.lineOf[rule.ID] = rule.Line
	rule.Rate = r.readRate(rule, annotations)
}

// idGrammar is what can stand in a log, in an error and in a command without quotes.
var idGrammar = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/-]*$`)

// checkID gives an id that can be one; otherwise that which the rule has.
func (r *reader) checkID(rule *Rule, id string) string {
	if len(id) <= maxPolicyID && idGrammar.MatchString(id) {
		return id
	}
	r.refuseAt(rule, "@id", fmt.Sprintf("%.80q cannot be an id", id),
		fmt.Sprintf("1 to %d of a-z, A-Z, 0-9, '_', '.', ':', '/' and '-'", maxPolicyID))
	return rule.ID
}

// position takes line, column and the rest out of an error of the parser or of its scanner.
var position = regexp.MustCompile(`^(?:parser error: )?(?:parse error at )?<?[^\s:]*>?:?(\d+):(\d+)(?:: )? ?(.*)$`)

// parseProblem takes the place out of an error of the parser.
func parseProblem(file string, text []byte, err error) Problem {
	message := strings.TrimPrefix(err.Error(), "parser error: ")
	found := position.FindStringSubmatch(message)
	if found == nil {
		return Problem{File: file, Line: 1, Column: 1, Message: message}
	}
	line, _ := strconv.Atoi(found[1])
	column, _ := strconv.Atoi(found[2])
	return Problem{File: file, Line: line, Column: column, Message: "no Cedar at " + found[3], Hint: "see docs.cedarpolicy.com for the grammar"}
}
