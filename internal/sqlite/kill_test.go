package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/collectiverpc/collective/internal/sqlite"
)

const writeUntilKilledEnv = "COLLECTIVE_TEST_WRITE_UNTIL_KILLED"

// writeUntilKilled writes numbered rows as fast as it can and prints each number once its row is acknowledged.
func writeUntilKilled(path string) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path)
	check(err)
	check(db.Migrate(ctx, testTables))
	var next int
	check(db.Reader().QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM item").Scan(&next))
	for {
		next++
		check(insertItem(ctx, db, next))
		fmt.Println(next)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var testSteps = []string{"CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;"}

func insertItem(ctx context.Context, db *sqlite.DB, id int) error {
	return db.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO item (id, text) VALUES (?, ?)", id, itemText(id))
		return err
	})
}

func itemText(id int) string { return fmt.Sprintf("%01000d", id) }

func TestKillLosesNoAcknowledgedRow(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged := 0
	for round := range 8 {
		last := runAndKill(t, path, 1+rand.IntN(150))
		acknowledged = max(acknowledged, last)
		checkItems(t, path, round, acknowledged)
	}
	t.Logf("%d acknowledged rows", acknowledged)
}

// runAndKill kills the writing process at some moment after it acknowledged that many rows, and answers the last
// number it acknowledged.
func runAndKill(t *testing.T, path string, rows int) (last int) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), writeUntilKilledEnv+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if rows--; rows == 0 {
			// Not at the line, but anywhere in the next write.
			time.AfterFunc(rand.N(3*time.Millisecond), func() { child.Process.Kill() })
		}
	}
	if rows > 0 {
		t.Fatalf("the writer ended by itself after row %d", last)
	}
	return last
}

func checkItems(t *testing.T, path string, round, acknowledged int) {
	t.Helper()
	db := open(t, path) // also checks every page
	var count, highest int
	row := db.Reader().QueryRowContext(t.Context(), "SELECT count(*), coalesce(max(id), 0) FROM item")
	if err := row.Scan(&count, &highest); err != nil {
		t.Fatal(err)
	}
	if count != highest || highest < acknowledged {
		t.Errorf("round %d: %d rows up to %d, acknowledged up to %d", round, count, highest, acknowledged)
	}
	for _, pragma := range []string{"integrity_check", "foreign_key_check"} {
		if got := pragmaLines(t, db, pragma); got != "" && got != "ok" {
			t.Errorf("round %d: %s: %s", round, pragma, got)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func pragmaLines(t *testing.T, db *sqlite.DB, pragma string) (lines string) {
	t.Helper()
	rows, err := db.Reader().QueryContext(t.Context(), "PRAGMA "+pragma)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines += line
	}
	return lines
}

var testTables = sqlite.Component{Name: "test", Steps: testSteps}
