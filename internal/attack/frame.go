package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// The parts of a frame that the attacks of a link need, see package conn/link.
const (
	frameHeader = 12
	typeHello   = 1
	typeOpen    = 2
	typeMessage = 3
	flagMore    = 0x01
)

// frameReader reads a link from outside: the head of its upgrade, and then frames.
type frameReader struct{ *bufio.Reader }

func newFrameReader(r io.Reader) *frameReader { return &frameReader{bufio.NewReaderSize(r, 64<<10)} }

// head is everything up to the first empty line.
func (r *frameReader) head() (head []byte, err error) {
	for {
		line, err := r.ReadBytes('\n')
		if head = append(head, line...); err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			return head, nil
		}
	}
}

// frame is one frame, with its header.
func (r *frameReader) frame() ([]byte, error) {
	header, err := r.Peek(frameHeader)
	if err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(header)
	if length > 16<<20 {
		return nil, fmt.Errorf("a frame of %d bytes", length)
	}
	frame := make([]byte, frameHeader+int(length))
	_, err = io.ReadFull(r, frame)
	return frame, err
}
