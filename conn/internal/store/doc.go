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
// The contract is that of conn.Store, whose implementations these are. Both are safe for concurrent use. What [File] has
// put survives kill -9 and power loss, and a row that is not exactly what was written is refused, see
// store.ErrDamaged of the collector's file: a damaged address must not be dialled.
package store
