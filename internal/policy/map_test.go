package policy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mapRow is a row of the map of rooms in CONTRIBUTING.md.
type mapRow struct {
	rooms      []string // directories, from the root
	parts      []string // what it names in code style: packages, where the room is an internal folder
	may        []string // import
	everything bool     // which may be imported, or all that is public
}

var (
	roomLink   = regexp.MustCompile(`\]\(([^)]+)\)`)
	codeStyled = regexp.MustCompile("`([a-z]+)`")
)

// theMap reads the rows. One with an empty first cell goes on with the one before.
func theMap(t *testing.T) (rows []mapRow) {
	t.Helper()
	_, table, _ := strings.Cut(readPage(t, "CONTRIBUTING.md"), "|---|---|---|\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			break
		}
		var row mapRow
		for _, link := range roomLink.FindAllStringSubmatch(cells[1], -1) {
			row.rooms = append(row.rooms, strings.TrimSuffix(link[1], "/"))
		}
		for _, part := range codeStyled.FindAllStringSubmatch(cells[2], -1) {
			row.parts = append(row.parts, part[1])
		}
		if len(row.rooms) == 0 && len(rows) > 0 {
			rows[len(rows)-1].parts = append(rows[len(rows)-1].parts, row.parts...)
			continue
		}
		switch may := strings.TrimSpace(cells[3]); may {
		case "everything", "public packages":
			row.everything = true
		case "–":
		default:
			row.may = strings.Split(may, ", ")
		}
		rows = append(rows, row)
	}
	if len(rows) < 10 {
		t.Fatalf("CONTRIBUTING.md has a map of %d rooms: want the table `| room | holds | may import |`", len(rows))
	}
	return rows
}

func TestMapHasEveryRoom(t *testing.T) {
	t.Parallel()
	onMap := make(map[string]mapRow)
	for _, row := range theMap(t) {
		for _, room := range row.rooms {
			onMap[room] = row
			if _, err := os.Stat(filepath.Join(root, room)); err != nil {
				t.Errorf("the map of CONTRIBUTING.md has %s, which is not there: take it out", room)
			}
		}
	}
	for room := range mayImport {
		on := longestRoom(onMap, room)
		part := strings.TrimPrefix(room, on+"/")
		switch {
		case on == "" || on != room && !strings.Contains("/"+room+"/", "/internal/"):
			t.Errorf("the map of CONTRIBUTING.md has no row for %s: say in a line what it holds", room)
		case strings.HasSuffix(on, "/internal") && !slices.Contains(onMap[on].parts, part):
			t.Errorf("the row %s of the map of CONTRIBUTING.md does not say `%s`: add it", on, part)
		}
	}
	for room, row := range onMap {
		for _, part := range row.parts {
			if _, ok := mayImport[room+"/"+part]; !ok && strings.HasSuffix(room, "/internal") {
				t.Errorf("the row %s of the map of CONTRIBUTING.md says `%s`, which is no package there: take it out", room, part)
			}
		}
	}
}

// What the map says of imports is mayImport, with the packages beneath a room as one and internal ones left out.
func TestMapSaysWhoMayImport(t *testing.T) {
	t.Parallel()
	rowOf := make(map[string]int)
	rows := theMap(t)
	for i, row := range rows {
		for _, room := range row.rooms {
			rowOf[room] = i
		}
	}
	imports := make([]map[string]bool, len(rows))
	for room, list := range mayImport {
		i, on := rowOf[longestRoom(rowOf, room)], longestRoom(rowOf, room)
		if imports[i] == nil {
			imports[i] = make(map[string]bool)
		}
		for _, imported := range list {
			if !strings.Contains("/"+imported+"/", "/internal/") && longestRoom(rowOf, imported) != on {
				imports[i][imported] = true
			}
		}
	}
	for i, row := range rows {
		if !row.everything && imports[i] != nil {
			judgeRow(t, row, imports[i])
		}
	}
}

func judgeRow(t *testing.T, row mapRow, imports map[string]bool) {
	t.Helper()
	unused := slices.Clone(row.may)
	for imported := range imports {
		if !under(imported, row.may...) {
			t.Errorf("the row %s of the map of CONTRIBUTING.md leaves out %s, which mayImport allows", row.rooms[0], imported)
		}
		unused = slices.DeleteFunc(unused, func(room string) bool { return under(imported, room) })
	}
	for _, room := range unused {
		t.Errorf("the row %s of the map of CONTRIBUTING.md lets it import %s, which mayImport does not", row.rooms[0], room)
	}
}
