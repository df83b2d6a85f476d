// Command matrix runs clients and proxies that this project did not write against real collectors and writes down what
// works: `make clients`.
//
//   - client: a program or library of somebody else's; the table is clients.
//   - cell: one thing that is asked of every client; the table is cells.
//   - way: how a client comes to the method: at the collector that has it (direct), at another one (routed), or at that
//     one through a proxy. The proxies run with the very configuration that docs/proxies.md shows.
//
// A client written in another language is one program. It gets three arguments, the address, the certificate of the
// authority to trust (empty: no TLS) and a file with the schema, and prints a line of JSON for each cell:
//
//	{"cell": "unary"}                                  it holds
//	{"cell": "bidi", "problem": "got 2 answers"}       it does not
//
// A cell without a line has failed: the program ended before.
package main
