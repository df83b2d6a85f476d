package ruleset

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// scan is a first look at a text: whether it is within the bounds, before a parser that recurses sees it.
type scan struct {
	file     string
	text     []byte
	at       int
	line     int
	lineAt   int // offset at which the line begins
	depth    int
	begins   int // offset of the policy
	policies int
	has      int // words `has` in the policy
}

// checkBounds refuses a text that is too large, in whole or in one policy, or too deep.
func checkBounds(file string, text []byte) error {
	if len(text) > MaxBytes {
		return Problems{{File: file, Message: fmt.Sprintf("%d bytes, more than %d", len(text), MaxBytes), Hint: "let groups stand for principals"}}
	}
	if !utf8.Valid(text) {
		return Problems{{File: file, Message: "not UTF-8"}}
	}
	s := &scan{file: file, text: text, line: 1}
	for s.at < len(text) {
		if err := s.step(); err != nil {
			return err
		}
	}
	return s.checkPolicy()
}

// step takes one byte, string or comment.
func (s *scan) step() error {
	switch c := s.text[s.at]; c {
	case '"':
		s.skipString()
		return nil
	case '/':
		s.skipComment()
		return nil
	case '\n':
		s.line++
		s.lineAt = s.at + 1
	case '(', '[', '{':
		s.depth++
		if s.depth > MaxNesting {
			return s.problem(fmt.Sprintf("brackets nest deeper than %d", MaxNesting))
		}
	case 'h':
		if err := s.countHas(); err != nil {
			return err
		}
	case ')', ']', '}':
		s.depth--
	case ';':
		if err := s.endPolicy(); err != nil {
			return err
		}
	}
	s.at++
	return nil
}

// endPolicy is at a semicolon. There is none elsewhere in the grammar, outside strings and comments.
func (s *scan) endPolicy() error {
	if err := s.checkPolicy(); err != nil {
		return err
	}
	s.begins, s.has = s.at+1, 0
	s.policies++
	if s.policies > MaxPolicies {
		return s.problem(fmt.Sprintf("more than %d policies", MaxPolicies))
	}
	return nil
}

// countHas counts the letters h, a, s, be they a word or a part of one: as many of them as make a policy slow are in no honest one.
func (s *scan) countHas() error {
	if !bytes.HasPrefix(s.text[s.at:], []byte("has")) {
		return nil
	}
	s.has++
	if s.has > MaxHas {
		return s.problem(fmt.Sprintf("more than %d tests by `has` in a policy: every attribute of the schema is there always", MaxHas))
	}
	return nil
}

// checkPolicy bounds one policy, and with it what the parser and the validator can be made to do for it.
func (s *scan) checkPolicy() error {
	if s.at-s.begins > MaxPolicy {
		return s.problem(fmt.Sprintf("the policy that ends here has %d bytes, more than %d: use groups, or several policies", s.at-s.begins, MaxPolicy))
	}
	return nil
}

// skipString leaves the place after a string, or at a line end, where the parser will refuse it.
func (s *scan) skipString() {
	for s.at++; s.at < len(s.text) && s.text[s.at] != '\n'; s.at++ {
		switch s.text[s.at] {
		case '\\':
			if s.at+1 < len(s.text) && s.text[s.at+1] != '\n' {
				s.at++
			}
		case '"':
			s.at++
			return
		}
	}
}

// skipComment leaves the place at the line end, so that the line is counted, or behind a slash that begins none.
func (s *scan) skipComment() {
	if !bytes.HasPrefix(s.text[s.at:], []byte("//")) {
		s.at++
		return
	}
	end := bytes.IndexByte(s.text[s.at:], '\n')
	if end < 0 {
		s.at = len(s.text)
		return
	}
	s.at += end
}

// problem is one at the present place; columns count bytes.
func (s *scan) problem(message string) error {
	return Problems{{File: s.file, Line: s.line, Column: s.at - s.lineAt + 1, Message: message}}
}
