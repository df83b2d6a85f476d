// Package store keeps the records of connections: in memory, or in the file of the collector.
//
// # Words
//
//	record       a collector.Connection as it is written down: without its counters
//	counters     what a connection carried. They are added to, so a record that is put late takes nothing back
//	forgettable  nobody on this side will bring the connection back
//	known key    by which another collector is known, see package keys. It outlives the record of the connection
//	put          the order of the writes, whatever clocks did; the record put longest ago makes room first
//
// Known keys are in a table of their own, and no bound or purge of records touches it: who makes a collector forget
// connections, by coming under very many ids, must not make it forget by which key it knows somebody. They are public, and
// so are records; the one key that is secret is that of this collector. It lies beside the database, in a file that only
// its user can read, and a store in memory has none.
//
// Nothing here judges: which key may take the place of which, which connection is over, and when something is to be
// forgotten is said by those who call. What is kept here in time is kept as Unix nanoseconds.
//
// The contract is that of conn.Store, whose implementations these are. Both are safe for concurrent use. What [File] has
// put survives kill -9 and power loss, and a row that is not exactly what was written is refused, see
// store.ErrDamaged of the collector's file: a damaged address must not be dialled.
package store
