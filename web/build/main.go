// Command build makes web/dist from web/src: `go run .` in web/build, or `make console`.
//
// Names carry a hash of their content, so that browsers may keep the files for good. The build fails when all files
// together, compressed as the handler compresses them, exceed the budget.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// budget is how many bytes the whole console may take on its way to a browser.
const budget = 200 << 10

func main() {
	root := flag.String("web", "..", "the directory web")
	dist := flag.String("dist", "../dist", "where to write; what is there is removed")
	script := flag.String("script", "", "bundle this one `script` of web to stdout, as the global example")
	flag.Parse()
	if err := run(*root, *dist, *script); err != nil {
		fmt.Fprintln(os.Stderr, "building the console:", err)
		os.Exit(1)
	}
}

func run(root, dist, script string) error {
	if script != "" {
		return bundleScript(filepath.Join(root, script))
	}
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	files, err := bundle(root)
	if err != nil {
		return err
	}
	index, err := page(root, files)
	if err != nil {
		return err
	}
	files["index.html"] = index
	return write(dist, files)
}

// bundle compiles TypeScript and CSS. It returns the files by name.
func bundle(root string) (map[string][]byte, error) {
	source, err := filepath.Abs(filepath.Join(root, "src"))
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     source,
		EntryPoints:       []string{"main.tsx"},
		Outdir:            "/dist",
		EntryNames:        "[name]-[hash]",
		ChunkNames:        "[name]-[hash]",
		AssetNames:        "[name]-[hash]",
		Bundle:            true,
		Splitting:         true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		JSX:               api.JSXAutomatic,
		JSXImportSource:   "preact",
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		TreeShaking:       api.TreeShakingTrue,
	})
	if len(result.Errors) > 0 {
		texts := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, errors.New(strings.Join(texts, "\n"))
	}
	files := make(map[string][]byte)
	for _, f := range result.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	return files, nil
}

// bundleScript writes a script that tests run in a page.
func bundleScript(path string) error {
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{path}, Bundle: true, Format: api.FormatIIFE, GlobalName: "example", Target: api.ES2022,
	})
	if len(result.Errors) > 0 {
		return errors.New(result.Errors[0].Text)
	}
	_, err := os.Stdout.Write(result.OutputFiles[0].Contents)
	return err
}

// page fills the names of script and style into index.html.
func page(root string, files map[string][]byte) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, "src", "index.html"))
	if err != nil {
		return nil, err
	}
	for name := range files {
		if strings.HasPrefix(name, "main-") {
			text = bytes.ReplaceAll(text, []byte("main"+filepath.Ext(name)), []byte(name))
		}
	}
	return text, nil
}

func write(dist string, files map[string][]byte) error {
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	total := 0
	for name, content := range files {
		packed, err := compress(content)
		if err != nil {
			return err
		}
		total += len(packed)
		fmt.Printf("%8d  %8d gzip  %s\n", len(content), len(packed), name)
		if err := os.WriteFile(filepath.Join(dist, name), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%d kB of %d kB\n", total>>10, budget>>10)
	if total > budget {
		return fmt.Errorf("%d bytes exceed the budget of %d: what is new, and what can be loaded later?", total, budget)
	}
	return nil
}

// compress makes of a file what travels to a browser.
func compress(content []byte) ([]byte, error) {
	var buffer bytes.Buffer
	w, err := gzip.NewWriterLevel(&buffer, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return buffer.Bytes(), err
}
