package credentials_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/gen/collector"
	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
)

const python = "/usr/bin/python3"

// session is what the program for Python asks on one connection, by several ways.
type session struct {
	Address     string   `json:"address"`
	Authorized  []string `json:"authorized"`
	Keys        []string `json:"keys"`
	Certificate string   `json:"certificate"` // PEM, with its key in the next one; both empty for none
	Key         string   `json:"key"`
	Ways        []string `json:"ways"`

	shown    credential
	entrance string
}

// grpcio for Python, which sends a token as call credentials and the rest as metadata.
func TestPython(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import grpc").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("there is no grpcio for Python: %s", out)
		}
		t.Skip("NOT RUN: there is no grpcio for Python")
	}
	r := newRig(t)
	var questions []session
	for _, shown := range append(r.goodOnes(t), r.badOnes(t)...) {
		for entrance, c := range map[string]*host{"a": r.a, "b": r.b} {
			q := session{Address: c.Address, Authorized: shown.authorized, Keys: shown.keys, shown: shown, entrance: entrance}
			q.Ways = []string{"unary", "server stream", "bidi", "Dispatch"}
			if entrance == "b" {
				q.Ways = append(q.Ways, "Serve")
			}
			if shown.certificate != nil {
				q.Certificate, q.Key = pems(t, shown)
			}
			questions = append(questions, q)
		}
	}
	lines := json.NewDecoder(bytes.NewReader(r.runPython(t, questions)))
	for _, q := range questions {
		for _, way := range q.Ways {
			var said struct {
				Way, Caller, Text, Reason string
				Code                      uint32
			}
			must(t, lines.Decode(&said))
			if said.Way != way {
				t.Fatalf("an answer about %s, want %s", said.Way, way)
			}
			r.judge(t, "python3-grpcio", way, q.entrance, q.shown, outcome{said.Caller, connect.Code(said.Code), said.Text, said.Reason})
		}
	}
	r.settle(t)
}

func pems(t *testing.T, shown credential) (certificate, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(shown.certificate.PrivateKey)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: shown.certificate.Certificate[0]})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (r *rig) runPython(t *testing.T, questions []session) []byte {
	t.Helper()
	dir := t.TempDir()
	authority, schema := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "schema.binpb")
	must(t, os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.authority.Certificate.Raw}), 0o600))
	files := new(descriptorpb.FileDescriptorSet)
	for _, file := range []protoreflect.FileDescriptor{testingv1.File_collector_testing_v1_testing_proto, collector.File_collector_common_proto, collector.File_collector_dispatcher_proto} {
		files.File = append(files.File, protodesc.ToFileDescriptorProto(file))
	}
	text, err := proto.Marshal(files)
	must(t, err)
	must(t, os.WriteFile(schema, text, 0o600))
	input, err := json.Marshal(map[string]any{"authority": authority, "schema": schema, "questions": questions})
	must(t, err)
	command := exec.CommandContext(t.Context(), python, "../python/credentials.py")
	var problems bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(input), &problems
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, problems.String())
	}
	return out
}
