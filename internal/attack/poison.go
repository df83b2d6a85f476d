package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// poisonStart is 1 if a collector starts although somebody registered, for the namespace of its own service, a schema that
// is not the one it runs.
func poisonStart(s *Stage) ([]Figure, error) {
	const poison = `syntax = "proto3";
package shop.v1;
message GetUserRequest { int64 id = 1; }
message GetUserResponse { bytes everything = 7; }
service UserService { rpc GetUser(stream GetUserRequest) returns (GetUserResponse); rpc Extra(GetUserRequest) returns (GetUserResponse); }
`
	path := filepath.Join(s.dir, "users.proto")
	if err := os.WriteFile(path, []byte(poison), 0o600); err != nil {
		return nil, err
	}
	started := Figure{Name: "poison_start", Unit: "count"}
	base := []string{"--id", "a", "--listen", "127.0.0.1:0", "--db", "a.db", "--ns", "users"}
	a, err := s.serve(base...)
	if err != nil {
		return nil, err
	}
	if _, err := s.run("services", "register", path, "-I", s.dir, "--ns", "users", "-s", a.URL); err != nil {
		fmt.Fprintf(s.out, "# the poison was not taken: %v\n", err)
	}
	a.kill()
	again, err := s.serve(append(base, "--example", "users")...)
	if err != nil {
		fmt.Fprintf(s.out, "# %v\n", err)
		return []Figure{started}, nil
	}
	if callOnce(s.ctx, again, patience) == nil {
		started.Value = 1
	}
	return []Figure{started}, nil
}
