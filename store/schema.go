package store

import "github.com/collectiverpc/collective/internal/sqlite"

// schema is every table of the file, by the component whose code reads and writes it. Steps that were released never
// change: a new version appends one.
var schema = []sqlite.Component{
	{Name: "connections", Steps: []string{connectionTables}},
	{Name: "keys", Steps: []string{knownKeyTables}},
	{Name: "registry", Steps: []string{registryTables}},
	{Name: "history", Steps: []string{historyTables, historyPrincipals}},
	{Name: "audit", Steps: []string{auditTables}},
}

// A connection is stored as the message it is, so that it grows with the contract. Only what SQL has to find or change
// has a column: the counters are added to many times between two changes of the record.
const connectionTables = `
CREATE TABLE connection (
	id               TEXT PRIMARY KEY,
	put              INTEGER NOT NULL UNIQUE, -- order of changes; clocks may go back
	forgettable      INTEGER NOT NULL,
	state_changed_at INTEGER NOT NULL,        -- nanoseconds since 1970
	record           BLOB NOT NULL,           -- collector.Connection without what the columns below hold
	checksum         INTEGER NOT NULL,        -- CRC-32C of record: SQLite keeps none of its pages
	requests         INTEGER NOT NULL DEFAULT 0,
	errors           INTEGER NOT NULL DEFAULT 0,
	bytes_sent       INTEGER NOT NULL DEFAULT 0,
	bytes_received   INTEGER NOT NULL DEFAULT 0,
	last_activity    INTEGER NOT NULL DEFAULT 0 -- nanoseconds since 1970; 0: never
) STRICT;`

// Known keys outlive the connections they came with: whoever makes a collector forget a connection must not make it forget
// by which key it knows somebody.
const knownKeyTables = `
CREATE TABLE known_key (
	collector  TEXT PRIMARY KEY,
	key        BLOB NOT NULL,    -- Ed25519, public
	proof      TEXT NOT NULL,    -- the best that was shown with it
	first_seen INTEGER NOT NULL, -- nanoseconds since 1970
	last_seen  INTEGER NOT NULL,
	checksum   INTEGER NOT NULL  -- CRC-32C of key: SQLite keeps none of its pages
) STRICT;`

const registryTables = `
CREATE TABLE registry_epoch (
	one   INTEGER PRIMARY KEY CHECK (one = 1),
	epoch INTEGER NOT NULL -- grows with every start; see firstRevision
) STRICT;
CREATE TABLE registry_file (
	namespace  TEXT NOT NULL,
	path       TEXT NOT NULL,
	descriptor BLOB NOT NULL,    -- google.protobuf.FileDescriptorProto
	checksum   INTEGER NOT NULL, -- CRC-32C of descriptor: SQLite keeps none of its pages
	created_at INTEGER NOT NULL, -- nanoseconds since 1970
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (namespace, path)
) STRICT;
CREATE TABLE registry_service (
	namespace  TEXT NOT NULL,
	name       TEXT NOT NULL, -- full
	path       TEXT NOT NULL, -- the file that declares it
	created_at INTEGER NOT NULL,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (namespace, name),
	FOREIGN KEY (namespace, path) REFERENCES registry_file (namespace, path)
) STRICT;`

// Every field of a call has a column, so that people can ask the file themselves.
const historyTables = `
CREATE TABLE dispatch (
	id             INTEGER PRIMARY KEY, -- order of writing, which within a session is that of seq
	session        TEXT NOT NULL,
	seq            INTEGER NOT NULL,
	started_at     INTEGER NOT NULL,    -- nanoseconds since 1970
	duration       INTEGER NOT NULL,    -- nanoseconds
	namespace      TEXT NOT NULL,
	procedure      TEXT NOT NULL,
	source         TEXT NOT NULL,
	executor       TEXT NOT NULL,
	route          TEXT NOT NULL,       -- ids with commas between them
	code           TEXT NOT NULL,
	reason         TEXT NOT NULL,
	message        TEXT NOT NULL,
	request_bytes  INTEGER NOT NULL,
	response_bytes INTEGER NOT NULL,
	entrance       TEXT NOT NULL
) STRICT;
CREATE TABLE connection_change (
	id         INTEGER PRIMARY KEY,     -- order of writing
	connection TEXT NOT NULL,
	changed_at INTEGER NOT NULL,        -- nanoseconds since 1970
	change     BLOB NOT NULL            -- collector.mesh.v1.ConnectionChange
) STRICT;`

// Calls of earlier versions have no principal.
const historyPrincipals = `
ALTER TABLE dispatch ADD COLUMN principal TEXT NOT NULL DEFAULT ''; -- whose call it was`

// What was done with rights, and what was denied. Every field has a column, so that people can ask the file themselves.
const auditTables = `
CREATE TABLE audit (
	id          INTEGER PRIMARY KEY, -- order of events, over all runs
	happened_at INTEGER NOT NULL,    -- nanoseconds since 1970
	kind        TEXT NOT NULL,       -- of the principal
	principal   TEXT NOT NULL,
	network     TEXT NOT NULL,
	tls         INTEGER NOT NULL,
	entrance    TEXT NOT NULL,
	via         TEXT NOT NULL,
	action      TEXT NOT NULL,
	namespace   TEXT NOT NULL,
	procedure   TEXT NOT NULL,
	allowed     INTEGER NOT NULL,    -- 0: denied
	policies    TEXT NOT NULL,       -- JSON
	reason      TEXT NOT NULL,
	detail      TEXT NOT NULL,       -- JSON
	count       INTEGER NOT NULL,    -- of equal ones that followed closely
	last_at     INTEGER NOT NULL     -- of the last of them
) STRICT;`
