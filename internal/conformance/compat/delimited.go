package compat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"
)

// maxMessage is far above what the runner sends.
const maxMessage = 64 << 20

// Read reads the next message; io.EOF when there is none.
func Read(r io.Reader, into proto.Message) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxMessage {
		return fmt.Errorf("a message of %d bytes on standard input: this is no message of the test runner", n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	return proto.Unmarshal(data, into)
}

// Write writes a message.
func Write(w io.Writer, message proto.Message) error {
	data, err := proto.MarshalOptions{}.MarshalAppend(make([]byte, 4), message)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(data, uint32(len(data)-4))
	_, err = w.Write(data)
	return err
}
