package schematest_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/internal/schematest"
)

// The generated files have the sizes of those whose places they take.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		api                                           schematest.API
		source, compiled, services, methods, messages int // at least
	}{
		"compute":   {schematest.Compute, 2_000_000, 3_500_000, 90, 1000, 1500},
		"container": {schematest.Container, 1_000_000, 1_500_000, 1, 30, 400},
		"dlp":       {schematest.DLP, 300_000, 500_000, 1, 30, 180},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			texts := tt.api.Texts()
			files := schematest.Compile(t, texts, tt.api.Path)
			file := files[len(files)-1]
			bare := proto.CloneOf(file)
			bare.SourceCodeInfo = nil
			methods := 0
			for _, service := range file.GetService() {
				methods += len(service.GetMethod())
			}
			t.Logf("%d bytes of source, %d compiled, %d without comments, %d services, %d methods, %d messages", len(texts[tt.api.Path]),
				proto.Size(file), proto.Size(bare), len(file.GetService()), methods, len(file.GetMessageType()))
			if len(texts[tt.api.Path]) < tt.source || proto.Size(file) < tt.compiled || len(file.GetService()) < tt.services ||
				methods < tt.methods || len(file.GetMessageType()) < tt.messages {
				t.Error("that is less than it should be")
			}
		})
	}
}
