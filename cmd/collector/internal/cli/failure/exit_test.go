package failure_test

import (
	"encoding/json"
	"os"
	"testing"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
	"github.com/collectiverpc/collective/internal/status"
)

func TestStatusVectors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../../testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Status int32
			GRPC   int
			Name   string
			Exit   int
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) < 12 {
		t.Fatalf("only %d vectors", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		if got := failure.ExitOfStatus(v.Status); got != v.Exit {
			t.Errorf("status %d exits %d, want %d", v.Status, got, v.Exit)
		}
		if v.Status == 200 {
			continue
		}
		if code := status.Code(v.Status); int(code) != v.GRPC || code.String() != v.Name {
			t.Errorf("status %d is %d %v, want %d %s", v.Status, code, code, v.GRPC, v.Name)
		}
	}
}

func TestExitOfEveryCode(t *testing.T) {
	t.Parallel()
	for code := connect.CodeCanceled; code <= connect.CodeUnauthenticated; code++ {
		want := 64 + int(code)
		if code == connect.CodeUnauthenticated {
			want = 4
		}
		if got := failure.ExitOfCode(code); got != want {
			t.Errorf("%v exits %d, want %d", code, got, want)
		}
	}
}
