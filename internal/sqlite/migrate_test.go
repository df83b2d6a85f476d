package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/collectiverpc/collective/internal/sqlite"
)

func TestMigrateRunsEachStepOnce(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	steps := append(testSteps[:1:1],
		"ALTER TABLE item ADD COLUMN a TEXT; INSERT INTO item (id, text) VALUES (7, 'from step 2');",
		"UPDATE item SET a = 'from step 3';")
	for range 3 {
		if err := db.Migrate(t.Context(), sqlite.Component{Name: "test", Steps: steps}); err != nil {
			t.Fatal(err)
		}
	}
	var id int
	var a string
	if err := db.Reader().QueryRowContext(t.Context(), "SELECT id, a FROM item").Scan(&id, &a); err != nil {
		t.Fatal(err)
	}
	if id != 7 || a != "from step 3" {
		t.Errorf("row is %d, %q", id, a)
	}
	if err := db.Migrate(t.Context(), sqlite.Component{Name: "other", Steps: []string{"CREATE TABLE other (id INTEGER) STRICT;"}}); err != nil {
		t.Errorf("a second component: %v", err)
	}
}

func TestMigrateFailsWhole(t *testing.T) {
	t.Parallel()
	db := openTemp(t)
	bad := append(testSteps[:1:1], "CREATE TABLE second (id INTEGER) STRICT;", "no such statement;")
	if err := db.Migrate(t.Context(), sqlite.Component{Name: "test", Steps: bad}); err == nil || !strings.Contains(err.Error(), "step to version 3") {
		t.Errorf("Migrate = %v, want the failing step named", err)
	}
	// Had step 2 stayed, it would now fail because its table exists.
	if err := db.Migrate(t.Context(), sqlite.Component{Name: "test", Steps: bad[:2]}); err != nil {
		t.Errorf("after a failed migration: %v", err)
	}
}

func TestMigrateRefusesTheFuture(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	db := open(t, path)
	if err := db.Migrate(t.Context(), sqlite.Component{Name: "test", Steps: append(testSteps[:1:1], "CREATE TABLE b (x INTEGER) STRICT;")}); err != nil {
		t.Fatal(err)
	}
	err := db.Migrate(t.Context(), testTables)
	if !errors.Is(err, sqlite.ErrFutureSchema) {
		t.Fatalf("Migrate = %v, want ErrFutureSchema", err)
	}
	for _, want := range []string{"test", path, "version 2", "up to 1", "newer program"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}
