package dispatcher_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	testingv1 "github.com/collectiverpc/collective/gen/collector/testing/v1"
	"github.com/collectiverpc/collective/internal/meshtest"
)

// squeezed is data as gzip.
func squeezed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	must(t, err)
	_, err = w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

// Messages that become more than a hundred times longer than they came are refused, in every protocol and on every path; those
// that are as repetitive as the data of people is are not.
func TestGzip_Ratio(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	varied := make([]byte, 40<<10) // with so much that cannot be compressed, a MiB keeps within the ratio
	for i := range varied {
		varied[i] = 'a' + byte(rand.N(26))
	}
	refused := 0
	for _, tt := range []struct {
		name, text string
		taken      bool
	}{
		{"bomb", strings.Repeat("x", 3<<20), false},
		{"small bomb", strings.Repeat("x", 100<<10), false},
		{"repetitive and short", strings.Repeat("x", 60<<10), true},
		{"long", string(varied) + strings.Repeat("x", 1<<20), true},
	} {
		for _, n := range []node{a, b} {
			for _, contentType := range []string{
				"application/json", "application/proto", "application/connect+proto", "application/grpc", "application/grpc-web+proto",
				"application/grpc-web-text", "application/connect+json", "application/grpc+json",
			} {
				code := sendSqueezed(t, n, contentType, tt.text)
				if taken := code == ""; taken != tt.taken || !taken && code != "resource_exhausted" {
					t.Errorf("%s in %s at %s: %q", tt.name, contentType, n.ID(), code)
				} else if !taken {
					refused++
				}
			}
		}
	}
	if refused == 2*2*8 {
		t.Log("ATTACK gzip_ratio_refused 1")
	}
}

// sendSqueezed makes a call with a compressed message and returns the code of its error, empty for none.
func sendSqueezed(t *testing.T, n node, contentType, text string) string {
	t.Helper()
	path := echoPath
	var msg proto.Message = &testingv1.EchoRequest{Text: text}
	data, err := proto.Marshal(msg)
	must(t, err)
	if strings.HasSuffix(contentType, "json") {
		data, err = json.Marshal(map[string]string{"text": text})
		must(t, err)
	}
	if strings.HasPrefix(contentType, "application/connect+") { // a stream
		path = collectPath
		data, err = proto.Marshal(&testingv1.CollectRequest{Number: 1})
		must(t, err)
		data = append(data, 0x7a) // field 15, of bytes
		data = binary.AppendUvarint(data, uint64(len(text)))
		data = append(data, text...)
		if strings.HasSuffix(contentType, "json") {
			data = append([]byte(`{"number":1`+strings.Repeat(" ", len(text))), '}')
			if !strings.HasPrefix(text, "x") {
				data = []byte(`{"number":1}`)
			}
		}
	}
	body := squeezed(t, data)
	if strings.Contains(contentType, "grpc") || strings.Contains(contentType, "connect+") {
		body = append(binary.BigEndian.AppendUint32([]byte{1}, uint32(len(body))), body...)
	}
	if strings.HasSuffix(contentType, "text") {
		body = []byte(base64.StdEncoding.EncodeToString(body))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.Address+path, bytes.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", contentType)
	switch {
	case strings.Contains(contentType, "grpc"):
		req.Header.Set("Grpc-Encoding", "gzip")
	case strings.Contains(contentType, "connect+"):
		req.Header.Set("Connect-Content-Encoding", "gzip")
	default:
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := meshtest.HTTP2Client(t).Do(req)
	must(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	if strings.HasSuffix(contentType, "text") {
		if decoded, err := base64.StdEncoding.DecodeString(string(answer)); err == nil {
			answer = decoded
		}
	}
	status := res.Header.Get("Grpc-Status") + res.Trailer.Get("Grpc-Status")
	switch {
	case status == "8" || bytes.Contains(answer, []byte("grpc-status: 8")) || bytes.Contains(answer, []byte(`"resource_exhausted"`)):
		return "resource_exhausted"
	case status != "" && status != "0":
		return "grpc-status " + status + " " + res.Trailer.Get("Grpc-Message") + res.Header.Get("Grpc-Message")
	case bytes.Contains(answer, []byte(`"code":`)):
		return string(answer)
	case res.StatusCode != http.StatusOK:
		return res.Status
	}
	return ""
}
