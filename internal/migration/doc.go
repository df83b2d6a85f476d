// Package migration is the code of docs/migration.md: one service and its client, written for connect v1, for grpc-go and for
// this library, each in a folder of its own. It is a module of its own, so that users of the library download neither of the
// others. Its tests run the two old clients, unchanged, against a collector.
package migration
