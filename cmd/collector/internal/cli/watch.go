package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// watch hands on what a collector tells of, until the user has seen enough.
func (a *app) watch(ctx context.Context, req *meshv1.WatchRequest, each func(*meshv1.WatchResponse) error) error {
	s, err := a.newSession()
	if err != nil {
		return err
	}
	defer s.http.CloseIdleConnections()
	stream, err := s.mesh.Watch(ctx, req)
	if err != nil {
		return s.explain(ctx, err)
	}
	defer stream.Close()
	for {
		event, err := stream.Receive()
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if errors.Is(err, io.EOF) {
			return failuref("the collector ended the stream")
		}
		if err != nil {
			return s.explain(ctx, err)
		}
		if err := each(event); err != nil {
			return err
		}
	}
}

// streamLine is a row of a table whose later rows are not known yet: its columns have at least these widths.
func (a *app) streamLine(columns []column, row []cell, widths []int) string {
	switch a.format() {
	case formatName:
		return clean(row[nameColumn(columns)].exact) + "\n"
	case formatTSV:
		return tsv([][]cell{row})
	}
	for i, c := range row {
		widths[i] = max(widths[i], utf8.RuneCountInString(clean(c.human)))
	}
	var line strings.Builder
	writeRow(&line, columns, row, widths, tableStyle{width: a.io.Width, color: a.color()})
	return line.String()
}
