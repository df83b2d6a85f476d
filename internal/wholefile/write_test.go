package wholefile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/collectiverpc/collective/internal/wholefile"
)

func TestReplaceAndCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	holds := func(text string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(path)
		info, statErr := os.Stat(path)
		if err != nil || statErr != nil || string(got) != text || info.Mode().Perm() != mode {
			t.Errorf("%q with %v, %v %v", got, info.Mode(), err, statErr)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("drafts are left: %v", left)
		}
	}
	if err := wholefile.Create(path, 0o600, []byte("one")); err != nil {
		t.Fatal(err)
	}
	holds("one", 0o600)
	if err := wholefile.Create(path, 0o600, []byte("two")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v", err)
	}
	holds("one", 0o600)
	if err := wholefile.Replace(path, 0o644, []byte("three"), nil); err != nil {
		t.Fatal(err)
	}
	holds("three", 0o644)
	refused := errors.New("not to that user")
	if err := wholefile.Replace(path, 0o644, []byte("four"), func(*os.File) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("a draft that cannot be prepared: %v", err)
	}
	holds("three", 0o644)
}
