package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheDocsNameEveryDownload: whoever reads the audit trail finds there what was downloaded.
func TestTheDocsNameEveryDownload(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/security.md")
	require.NoError(t, err)
	actions, err := os.ReadFile("audit/actions.go")
	require.NoError(t, err)
	found := regexp.MustCompile(`"(\w+\.download)"`).FindAllSubmatch(actions, -1)
	for _, m := range found {
		require.Contains(t, string(page), "`"+string(m[1])+"`")
	}
	require.NotEmpty(t, found)
}

// TestTheDocsNameTestsThatExist: what docs/ says is proven by a test is worth nothing when
// the test was renamed or is gone.
func TestTheDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	for _, root := range []string{"../server", "../graph", "../worker", "../migrations"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range declaration.FindAllSubmatch(source, -1) {
				declared[string(m[1])] = true
			}
			return err
		}))
	}
	require.NotEmpty(t, declared)
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w+)`")
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range named.FindAllSubmatch(text, -1) {
			require.True(t, declared[string(m[1])], "%s names %s, which is no test", filepath.Base(page), m[1])
		}
	}
}
