package registry

import (
	"context"
	"database/sql"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/internal/descriptor"
	"github.com/collectiverpc/collective/store"
)

// storedFile is a row of registry_file.
type storedFile struct {
	namespace, path  string
	proto            *descriptorpb.FileDescriptorProto
	encoded          []byte
	created, updated int64
}

// loadFiles reads and builds the files of all namespaces. What was stored had been admitted, so its size is not
// limited again; a row that is not what was written is refused.
func loadFiles(ctx context.Context, file *store.Store) (map[string]*namespaceEdit, error) {
	stored, err := readFiles(ctx, file)
	if err != nil {
		return nil, err
	}
	edits := make(map[string]*namespaceEdit, len(stored))
	for name, files := range stored {
		n := newNamespaceIndex(name)
		for _, path := range slices.Sorted(maps.Keys(files)) {
			if err := restore(n.files, files, path); err != nil {
				return nil, fmt.Errorf("namespace %q: %w (%w)", name, store.ErrDamaged, err)
			}
		}
		edits[name] = n.edit()
	}
	return edits, nil
}

// restore builds a stored file after all it imports. It takes each file out of the map before it follows the imports,
// so that a cycle, which only damage could bring in, ends.
func restore(into *descriptor.Set, stored map[string]*storedFile, path string) error {
	row, ok := stored[path]
	if !ok { // built already, well known, or missing, which build will say
		return nil
	}
	delete(stored, path)
	for _, next := range row.proto.GetDependency() {
		if err := restore(into, stored, next); err != nil {
			return err
		}
	}
	built, err := into.Build(row.proto)
	if err != nil {
		return err
	}
	return into.Add(&descriptor.File{
		Descriptor: built, Encoded: row.encoded, Created: time.Unix(0, row.created), Updated: time.Unix(0, row.updated),
	})
}

// readFiles reads all files, by namespace and path.
func readFiles(ctx context.Context, file *store.Store) (map[string]map[string]*storedFile, error) {
	rows, err := file.Reader().QueryContext(ctx,
		"SELECT namespace, path, descriptor, checksum, created_at, updated_at FROM registry_file")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	stored := make(map[string]map[string]*storedFile)
	for rows.Next() {
		row, err := scanFile(rows)
		if err != nil {
			return nil, err
		}
		if stored[row.namespace] == nil {
			stored[row.namespace] = make(map[string]*storedFile)
		}
		stored[row.namespace][row.path] = row
	}
	return stored, rows.Err()
}

// scanFile reads a row and trusts none of it: what a checksum does not find is damaged in a way that no disk does.
func scanFile(rows *sql.Rows) (*storedFile, error) {
	var sum int64
	row := &storedFile{proto: new(descriptorpb.FileDescriptorProto)}
	if err := rows.Scan(&row.namespace, &row.path, &row.encoded, &sum, &row.created, &row.updated); err != nil {
		return nil, err
	}
	if checksum(row.encoded) != sum {
		return nil, fmt.Errorf("file %s in namespace %q: its checksum does not fit: %w", row.path, row.namespace, store.ErrDamaged)
	}
	if err := proto.Unmarshal(row.encoded, row.proto); err != nil || row.proto.GetName() != row.path {
		return nil, fmt.Errorf("file %s in namespace %q holds %q: %w (%w)",
			row.path, row.namespace, row.proto.GetName(), store.ErrDamaged, err)
	}
	return row, nil
}

// loadServices registers the services of files that have been loaded.
func loadServices(ctx context.Context, file *store.Store, edits map[string]*namespaceEdit) error {
	rows, err := file.Reader().QueryContext(ctx, "SELECT namespace, name, created_at, updated_at FROM registry_service")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := loadService(rows, edits); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loadService finds a service again in the files of its namespace. One that is in none was written by nobody: files and
// services are written together.
func loadService(rows *sql.Rows, edits map[string]*namespaceEdit) error {
	var namespace, name string
	var created, updated int64
	if err := rows.Scan(&namespace, &name, &created, &updated); err != nil {
		return err
	}
	n, ok := edits[namespace]
	if !ok {
		return fmt.Errorf("service %s in namespace %q has no file: %w", name, namespace, store.ErrDamaged)
	}
	d, ok := n.files.Service(name)
	if !ok {
		return fmt.Errorf("service %s in namespace %q is in no file: %w", name, namespace, store.ErrDamaged)
	}
	n.setRegistered(name, newService(d, false, timesOf(created, updated)))
	return nil
}

// checksum is CRC-32C. SQLite keeps none: a bit that flipped within a descriptor would be another descriptor.
func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

// timesOf takes nanoseconds since 1970, as they are stored.
func timesOf(created, updated int64) times {
	return times{time.Unix(0, created), time.Unix(0, updated)}
}
