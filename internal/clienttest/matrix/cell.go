package main

// cell is one thing that every client is asked.
type cell string

const (
	unary            cell = "unary"
	serverStream     cell = "server stream"
	clientStream     cell = "client stream"
	bidi             cell = "bidi"
	deadline         cell = "deadline"
	metadata         cell = "metadata"
	details          cell = "error details"
	unknownMethod    cell = "unknown method"
	unknownNamespace cell = "unknown namespace"
	together         cell = "together"
	bigHeader        cell = "big header"
)

// cells are the columns of the page, and what has to happen for a ✓.
var cells = []struct {
	cell  cell
	about string
}{
	{unary, "a question is answered"},
	{serverStream, "three answers to one question, in order, then the end"},
	{clientStream, "ten messages are added up"},
	{bidi, "the second question is asked when the first one is answered"},
	{deadline, "the handler sees the caller's deadline of 5 s, and a call with 300 ms ends with DEADLINE_EXCEEDED"},
	{metadata, "a text and four bytes that are no text (`-bin`) go there, and come back as header and as trailer"},
	{details, "code, message and a typed detail of a handler's error arrive"},
	{unknownMethod, "a method that nobody has is UNIMPLEMENTED, and the message names it"},
	{unknownNamespace, "a namespace that nobody has is NOT_FOUND, and the message names it"},
	{together, "a hundred calls are begun at once on a cold connection, and none is answered before all are there"},
	{bigHeader, "a header of 40 KiB is RESOURCE_EXHAUSTED for its own call; the one beside it on the connection goes on"},
}

// result is what became of a cell.
type result struct {
	Cell    cell   `json:"cell"`
	Problem string `json:"problem"` // empty: it holds
}

// answer makes the result of a cell.
func answer(c cell, err error) result {
	if err != nil {
		return result{c, err.Error()}
	}
	return result{Cell: c}
}

// passed is how many of the cells that were asked hold.
func passed(found map[cell]string) (n int) {
	for _, problem := range found {
		if problem == "" {
			n++
		}
	}
	return n
}
