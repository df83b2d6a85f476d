package store

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/collectiverpc/collective/conn/internal/keys"
	file "github.com/collectiverpc/collective/store"
)

// PutKey stores a known key in place of the one of its id. Beyond [keys.Most] the one that was not seen for longest goes.
// Whether it may go is for the book of keys to say, which asks first; here it only keeps the table bounded.
func (s *File) PutKey(ctx context.Context, known keys.Known) error {
	return s.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO known_key (collector, key, proof, first_seen, last_seen, checksum) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (collector) DO UPDATE SET
				key = excluded.key, proof = excluded.proof, first_seen = excluded.first_seen,
				last_seen = excluded.last_seen, checksum = excluded.checksum`,
			known.ID, []byte(known.Key), string(known.Proof), nanos(known.FirstSeen), nanos(known.LastSeen), checksum(known.Key))
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			DELETE FROM known_key WHERE collector IN (
				SELECT collector FROM known_key WHERE collector != ?
				ORDER BY last_seen DESC LIMIT -1 OFFSET ?)`, known.ID, keys.Most-1)
		return err
	})
}

// ForgetKey forgets the key of an id. That none is known is no error. The record of the connection stays: it says where the
// collector was, not who it is.
func (s *File) ForgetKey(ctx context.Context, id string) error {
	return s.file.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM known_key WHERE collector = ?", id)
		return err
	})
}

// ListKeys answers all known keys, by id. A damaged one fails the list: without it somebody else could take the id.
func (s *File) ListKeys(ctx context.Context) ([]keys.Known, error) {
	rows, err := s.file.Reader().QueryContext(ctx, `
		SELECT collector, key, proof, first_seen, last_seen, checksum FROM known_key ORDER BY collector`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []keys.Known
	for rows.Next() {
		known, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, known)
	}
	return list, rows.Err()
}

// scanKey refuses a row that is not exactly what was written: by another key the wrong collector would be taken for a peer.
func scanKey(rows *sql.Rows) (keys.Known, error) {
	var (
		known            keys.Known
		key              []byte
		proof            string
		first, last, sum int64
	)
	if err := rows.Scan(&known.ID, &key, &proof, &first, &last, &sum); err != nil {
		return known, err
	}
	if checksum(key) != sum || len(key) != ed25519.PublicKeySize {
		return known, fmt.Errorf("the known key of collector %q: %w (its checksum does not fit)", known.ID, file.ErrDamaged)
	}
	known.Key, known.Proof = key, keys.Proof(proof)
	known.FirstSeen, known.LastSeen = time.Unix(0, first), time.Unix(0, last)
	return known, nil
}

// OwnKey is the key of this collector, in a file beside that of the store: whoever gets hold of a copy of the database has
// no key with it.
func (s *File) OwnKey(context.Context) (ed25519.PrivateKey, error) {
	return keys.Own(s.file.Path() + ".key")
}

// PutKey is that of [File]: a collector that keeps nothing over restarts knows keys while it runs.
func (s *Memory) PutKey(_ context.Context, known keys.Known) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[known.ID] = known
	for len(s.keys) > keys.Most {
		delete(s.keys, s.longestUnseen(known.ID))
	}
	return nil
}

// longestUnseen is the key but one that was not seen for longest. mu is held.
func (s *Memory) longestUnseen(but string) (id string) {
	var oldest time.Time
	for other, known := range s.keys {
		if other != but && (id == "" || known.LastSeen.Before(oldest)) {
			id, oldest = other, known.LastSeen
		}
	}
	return id
}

// ForgetKey forgets the key of an id. That none is known is no error.
func (s *Memory) ForgetKey(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, id)
	return nil
}

// ListKeys answers all known keys, by id.
func (s *Memory) ListKeys(context.Context) ([]keys.Known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]keys.Known, 0, len(s.keys))
	for _, known := range s.keys {
		list = append(list, known)
	}
	slices.SortFunc(list, func(a, b keys.Known) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// OwnKey is none: what is kept in memory makes no collector known again.
func (s *Memory) OwnKey(context.Context) (ed25519.PrivateKey, error) { return nil, nil }
