package ledger

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Run is an execution.
type Run struct {
	Host  string
	Began int64
	Ended int64 // 0 for one that did not end
}

// Runs is the file of a host. Each line is one write, so that what is killed has written what it began.
type Runs struct {
	host string
	file *os.File
}

// suffix is that of the files of hosts in the directory of a test.
const suffix = ".runs"

// OpenRuns opens the file of a host in a directory, behind what earlier runs of it wrote.
func OpenRuns(dir, host string) (*Runs, error) {
	file, err := os.OpenFile(filepath.Join(dir, host+suffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &Runs{host, file}, err
}

// Begin writes that a call runs. A handler must not do anything before.
func (r *Runs) Begin(id uint64) error { return r.write("+", id) }

// End writes that it has ended.
func (r *Runs) End(id uint64) error { return r.write("-", id) }

func (r *Runs) write(what string, id uint64) error {
	_, err := fmt.Fprintf(r.file, "%s %d %d %s\n", what, id, time.Now().UnixNano(), r.host)
	return err
}

// readRuns reads what all hosts of a directory have written.
func readRuns(dir string) (map[uint64][]Run, error) {
	runs := make(map[uint64][]Run)
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if err := readRunsOf(path, runs); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

func readRunsOf(path string, runs map[uint64][]Run) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		what, host, id, at, err := readLine(lines.Text())
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if what == "+" {
			runs[id] = append(runs[id], Run{Host: host, Began: at})
			continue
		}
		for i := range runs[id] {
			if r := &runs[id][i]; r.Host == host && r.Ended == 0 {
				r.Ended = at
			}
		}
	}
	return lines.Err()
}

func readLine(line string) (what, host string, id uint64, at int64, err error) {
	if _, err := fmt.Sscanf(line, "%s %d %d %s", &what, &id, &at, &host); err != nil {
		return "", "", 0, 0, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
	}
	return what, host, id, at, nil
}
