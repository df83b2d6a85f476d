package wire_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"
)

// protocol is one of those that a collector speaks.
type protocol struct {
	name, contentType  string
	framed             bool
	encoding, accepted string // the headers that name a compression, and those that may be used
	timeout            string // the header of a deadline
	// check says what is wrong with the form of a refusal of this code, or nothing.
	check func(a answer, code connect.Code) error
}

var (
	grpc = protocol{
		name: "grpc", contentType: "application/grpc+proto", framed: true,
		encoding: "grpc-encoding", accepted: "grpc-accept-encoding", timeout: "grpc-timeout", check: checkGRPC,
	}
	grpcWeb = protocol{
		name: "grpc-web", contentType: "application/grpc-web+proto", framed: true,
		encoding: "grpc-encoding", accepted: "grpc-accept-encoding", timeout: "grpc-timeout", check: checkWeb,
	}
	unary = protocol{
		name: "connect", contentType: "application/proto",
		encoding: "content-encoding", accepted: "accept-encoding", timeout: "connect-timeout-ms", check: checkUnary,
	}
	stream = protocol{
		name: "connect stream", contentType: "application/connect+proto", framed: true,
		encoding: "connect-content-encoding", accepted: "connect-accept-encoding", timeout: "connect-timeout-ms", check: checkStream,
	}
)

// body is a request of one message.
func (p protocol) body(message []byte) []byte {
	if !p.framed {
		return message
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// judge says what is wrong with a refusal: its form, or what every answer has to keep to.
func (p protocol) judge(a answer, code connect.Code) error {
	if a.reset != 0 || len(a.blocks) == 0 {
		return fmt.Errorf("the stream is reset by %v after %d blocks", a.reset, len(a.blocks))
	}
	first := a.blocks[0]
	for name, values := range first.fields {
		if strings.HasSuffix(name, "encoding") && slices.Contains(values, "") {
			return fmt.Errorf("%s is empty", name)
		}
	}
	if length := first.get("content-length"); length != "" && length != strconv.Itoa(len(a.body)) {
		return fmt.Errorf("content-length is %s, the body has %d bytes", length, len(a.body))
	}
	if first.get(p.accepted) != "gzip" {
		return fmt.Errorf("%s is %q", p.accepted, first.get(p.accepted))
	}
	return p.check(a, code)
}

// checkGRPC wants trailers only, or trailers behind headers that say nothing of a body.
func checkGRPC(a answer, code connect.Code) error {
	first, last := a.blocks[0], a.blocks[len(a.blocks)-1]
	switch {
	case len(a.body) > 0:
		return fmt.Errorf("a body %q", a.body)
	case first.has("content-length"):
		return fmt.Errorf("content-length: %s", first.get("content-length"))
	case !last.ends:
		return fmt.Errorf("a frame of data ends the stream, not a block of headers")
	case len(a.blocks) > 2:
		return fmt.Errorf("%d blocks of headers", len(a.blocks))
	case len(a.blocks) == 2 && first.has("grpc-status"):
		return fmt.Errorf("two blocks of headers, and the first has the status")
	case len(a.blocks) == 2 && last.has("content-type"):
		return fmt.Errorf("trailers with a content type")
	}
	return errorsOf(checkHead(first, "application/grpc+proto"), checkStatus(last.fields, code))
}

// checkWeb wants trailers in the headers and no body, or in the body and no others.
func checkWeb(a answer, code connect.Code) error {
	if len(a.blocks) != 1 {
		return fmt.Errorf("%d blocks of headers", len(a.blocks))
	}
	first := a.blocks[0]
	head := checkHead(first, "application/grpc-web+proto")
	if len(a.body) == 0 {
		return errorsOf(head, checkStatus(first.fields, code))
	}
	trailers, err := envelope(a.body, 0x80)
	if first.has("grpc-status") || err != nil {
		return fmt.Errorf("a status in %v and a body %q: %w", first.fields, a.body, err)
	}
	fields := make(map[string][]string)
	for line := range strings.Lines(trailers) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		fields[name] = append(fields[name], value)
	}
	return errorsOf(head, checkStatus(fields, code))
}

func checkHead(first block, contentType string) error {
	status := first.get(":status")
	if status == "415" { // a codec that nobody knows is said by HTTP too
		return nil
	}
	if status != "200" || first.get("content-type") != contentType {
		return fmt.Errorf("HTTP status %s, content type %s", status, first.get("content-type"))
	}
	return nil
}

func checkStatus(trailers map[string][]string, code connect.Code) error {
	if status := trailers["grpc-status"]; len(status) != 1 || status[0] != strconv.Itoa(int(code)) {
		return fmt.Errorf("grpc-status %q, want %d in %v", status, code, trailers)
	}
	if message := trailers["grpc-message"]; len(message) != 1 || message[0] == "" {
		return fmt.Errorf("grpc-message %q", message)
	}
	return nil
}

func checkUnary(a answer, code connect.Code) error {
	first := a.blocks[0]
	if len(a.blocks) != 1 || first.get(":status")[0] == '2' || first.get("content-type") != "application/json" {
		return fmt.Errorf("%d blocks, HTTP status %s, content type %s", len(a.blocks), first.get(":status"), first.get("content-type"))
	}
	return checkJSON(a.body, code)
}

func checkStream(a answer, code connect.Code) error {
	first := a.blocks[0]
	if len(a.blocks) != 1 || first.get(":status") != "200" || first.get("content-type") != "application/connect+proto" {
		return fmt.Errorf("%d blocks, HTTP status %s, content type %s", len(a.blocks), first.get(":status"), first.get("content-type"))
	}
	end, err := envelope(a.body, 2)
	if err != nil {
		return err
	}
	var verdict struct{ Error json.RawMessage }
	if err := json.Unmarshal([]byte(end), &verdict); err != nil {
		return err
	}
	return checkJSON(verdict.Error, code)
}

func checkJSON(text []byte, code connect.Code) error {
	var verdict struct{ Code, Message string }
	if err := json.Unmarshal(text, &verdict); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if verdict.Code != code.String() || verdict.Message == "" {
		return fmt.Errorf("%s, want %v", text, code)
	}
	return nil
}

// envelope is the text of the only message of a body, which has these flags.
func envelope(body []byte, flags byte) (string, error) {
	if len(body) < 5 || body[0] != flags || int(binary.BigEndian.Uint32(body[1:])) != len(body)-5 {
		return "", fmt.Errorf("want one message of flags %#x, got %q", flags, body)
	}
	return string(body[5:]), nil
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
