package sqlite

import "fmt"

// oldestLibrary is SQLite 3.51.3. Before it, two connections that checkpoint and write at once can corrupt a WAL
// database.
const oldestLibrary = 3_051_003

// checkLibrary refuses an old library. It takes what the driver answers: the version as text and as a number, of which three
// digits each are minor version and patch, and the name of the source, which does not matter.
func checkLibrary(version string, number int, _ string) error {
	if number >= oldestLibrary {
		return nil
	}
	return fmt.Errorf("SQLite %s can corrupt a WAL database: build with SQLite 3.51.3 or newer "+
		"(github.com/mattn/go-sqlite3 v1.14.36; do not link a system library)", version)
}
