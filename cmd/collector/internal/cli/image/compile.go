package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// maxComplaints bounds what is told about a file that does not compile.
const maxComplaints = 20

// Compile makes an image of a .proto file and all it imports. Imports, and the name of the file itself, begin at the
// roots; none means the directory that the file's package implies.
func Compile(ctx context.Context, path string, roots []string) (*Image, error) {
	if len(roots) == 0 {
		roots = []string{impliedRoot(path)}
	}
	name, err := nameBelow(roots, path)
	if err != nil {
		return nil, err
	}
	var told complaints
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(protocompile.CompositeResolver{
			only(name, path), &protocompile.SourceResolver{ImportPaths: roots},
		}),
		Reporter:       reporter.NewReporter(told.add, nil),
		SourceInfoMode: protocompile.SourceInfoStandard, // comments are part of what is registered
	}
	files, err := compiler.Compile(ctx, name)
	if err != nil {
		return nil, told.failure(path, roots, err)
	}
	set := new(descriptorpb.FileDescriptorSet)
	addWithImports(set, make(map[string]bool), files[0])
	if set, err = written(set); err != nil {
		return nil, failure.Usagef("%s: %v", path, err)
	}
	return newImage(set), nil
}

// written is a set as if it had been read from a file. The compiler keeps custom options as messages, whose fields would
// be written in another order each time; written once, they are bytes.
func written(set *descriptorpb.FileDescriptorSet) (*descriptorpb.FileDescriptorSet, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return nil, err
	}
	read := new(descriptorpb.FileDescriptorSet)
	return read, proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}.Unmarshal(data, read)
}

// only resolves the file itself, which another one of that name below an earlier root must not hide.
func only(name, path string) protocompile.ResolverFunc {
	return func(wanted string) (protocompile.SearchResult, error) {
		if wanted != name {
			return protocompile.SearchResult{}, fs.ErrNotExist
		}
		file, err := os.Open(path)
		return protocompile.SearchResult{Source: file}, err
	}
}

// impliedRoot is the directory in which the tree of a file's package begins: proto for proto/shop/v1/orders.proto of
// package shop.v1. It is the file's own directory if that is not named for the package.
func impliedRoot(path string) string {
	dir := filepath.Dir(path)
	below := filepath.FromSlash(strings.ReplaceAll(packageOf(path), ".", "/"))
	if below == "" {
		return dir
	}
	absolute, _ := filepath.Abs(dir) // for a path from within the tree; empty on an error
	for _, from := range []string{dir, absolute} {
		if root, ok := strings.CutSuffix(from, string(filepath.Separator)+below); ok {
			return root
		}
	}
	return dir
}

// packageOf is the package that a file declares; empty for none, and for one that cannot be read.
func packageOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	quiet := reporter.NewReporter(func(reporter.ErrorWithPos) error { return nil }, nil)
	parsed, _ := parser.Parse(path, file, reporter.NewHandler(quiet)) // the compiler tells what is wrong
	if parsed == nil {
		return ""
	}
	for _, declared := range parsed.Decls {
		if pkg, ok := declared.(*ast.PackageNode); ok {
			return string(pkg.Name.AsIdentifier())
		}
	}
	return ""
}

// nameBelow is the path of a file below the first root that has it, as imports spell it.
func nameBelow(roots []string, path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", failure.Usagef("%v", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", failure.Usagef("%v", err)
	}
	for _, root := range roots {
		absoluteRoot, err := filepath.Abs(root)
		if err != nil {
			return "", failure.Usagef("%v", err)
		}
		if name, err := filepath.Rel(absoluteRoot, absolute); err == nil && filepath.IsLocal(name) {
			return filepath.ToSlash(name), nil
		}
	}
	return "", failure.Usagef("%s is not below any --proto-path: %s", path, strings.Join(roots, ", ")).
		Hint("--proto-path names the directory where the names in import statements begin")
}

// addWithImports adds a file after all it imports.
func addWithImports(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		addWithImports(set, seen, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}

// complaints is what a compiler has against a file. The compiler takes care that it is told one at a time.
type complaints struct {
	lines []string // file:line:column: what
	more  int
}

func (c *complaints) add(problem reporter.ErrorWithPos) error {
	if len(c.lines) == maxComplaints {
		c.more++
		return nil
	}
	c.lines = append(c.lines, problem.Error())
	return nil
}

func (c *complaints) failure(path string, roots []string, err error) error {
	f := failure.Usagef("%s does not compile", path)
	f.Because(c.lines...)
	if len(c.lines) == 0 {
		f.Because(err.Error())
	}
	if c.more > 0 {
		f.Because(fmt.Sprintf("and %d more", c.more))
	}
	if errors.Is(err, fs.ErrNotExist) {
		f.Hint("imports were looked for below "+strings.Join(roots, ", "),
			"--proto-path names the directory where the names in import statements begin")
	}
	return f
}
