package apikey

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/collectiverpc/collective/access"
)

const (
	maxFile  = 1 << 20 // bytes
	maxKeys  = 4096
	maxName  = 128 // bytes of a name, and of a group
	maxWrong = 10  // lines that an error names
	noGroups = "-"
	idPrefix = "key:" // of principals, so that no key is taken for somebody with another credential
)

// kinds are the words of the file.
var kinds = map[string]access.Kind{"user": access.KindUser, "service": access.KindService}

// Record is a key as the file has it.
type Record struct {
	// Name is whose key it is: 1 to 128 of the letters, digits and "._@+-".
	Name string
	// Kind is access.KindUser or access.KindService.
	Kind access.Kind
	// Groups are those of the principal, in the order of the file; each like a name.
	Groups []string
	// Hash is of the key.
	Hash Hash
}

// String is the line of the file.
func (r Record) String() string {
	groups := noGroups
	if len(r.Groups) > 0 {
		groups = strings.Join(r.Groups, ",")
	}
	return strings.Join([]string{r.Name, strings.ToLower(string(r.Kind)), groups, r.Hash.String()}, " ")
}

// principal is who has the key.
func (r Record) principal() (*access.Principal, error) {
	return access.NewPrincipal(r.Kind, idPrefix+r.Name, r.Groups...)
}

// Parse reads the text of a file. The error names the lines that are wrong, the first ten of them; nothing of what they
// have is in it, since a key may have been written there by mistake.
func Parse(text []byte) ([]Record, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the file has %d bytes, more than %d", len(text), maxFile)
	}
	file := parsed{names: make(map[string]Record), hashes: make(map[Hash]bool)}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if err := file.add(line); err != nil && len(file.wrong) < maxWrong {
			file.wrong = append(file.wrong, fmt.Errorf("line %d: %w", number, err))
		}
	}
	if len(file.records) > maxKeys {
		return nil, fmt.Errorf("the file has %d keys, more than %d", len(file.records), maxKeys)
	}
	if len(file.wrong) > 0 {
		return nil, errors.Join(file.wrong...)
	}
	return file.records, nil
}

// parsed is what was read of a file so far.
type parsed struct {
	records []Record
	names   map[string]Record // the first of each name
	hashes  map[Hash]bool
	wrong   []error
}

// add reads a line, and compares it with those before it.
func (p *parsed) add(line string) error {
	record, err := parseLine(line)
	if err != nil || record.Name == "" {
		return err
	}
	if p.hashes[record.Hash] {
		return errors.New("the same key is on a line before")
	}
	first, known := p.names[record.Name]
	if known && (first.Kind != record.Kind || !slices.Equal(first.Groups, record.Groups)) {
		return errors.New("a line before gives the name another kind or other groups")
	}
	if !known {
		p.names[record.Name] = record
	}
	p.hashes[record.Hash] = true
	p.records = append(p.records, record)
	return nil
}

// parseLine reads a line; the record has no name if there is none on it.
func parseLine(line string) (Record, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return Record{}, nil
	}
	if len(fields) != 4 { //nolint:mnd // the columns
		return Record{}, errors.New("want NAME user|service GROUPS sha256:HASH")
	}
	record := Record{Name: fields[0], Kind: kinds[fields[1]]}
	if fields[2] != noGroups {
		record.Groups = strings.Split(fields[2], ",")
	}
	hash, err := hex.DecodeString(strings.TrimPrefix(fields[3], hashPrefix))
	if err != nil || len(hash) != len(record.Hash) || !strings.HasPrefix(fields[3], hashPrefix) {
		return Record{}, errors.New("the hash is not sha256: and 64 hexadecimal digits")
	}
	copy(record.Hash[:], hash)
	return record, record.Check()
}

// Check refuses a record that a file cannot have.
func (r Record) Check() error {
	switch {
	case !isName(r.Name):
		return fmt.Errorf("the name is not 1 to %d of the letters, digits and \"._@+-\"", maxName)
	case r.Kind != access.KindUser && r.Kind != access.KindService:
		return errors.New("the kind is neither user nor service")
	case slices.ContainsFunc(r.Groups, func(group string) bool { return !isName(group) || group == noGroups }):
		return fmt.Errorf("a group is not 1 to %d of the letters, digits and \"._@+-\"", maxName)
	}
	_, err := r.principal()
	return err
}

// isName reports whether s can be a field of a line.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._@+-", c)
	})
}
