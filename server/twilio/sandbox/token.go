package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Token is the auth token of the sandbox in this data directory, made at the first call: whoever knows it may sign
// webhooks, so that no two installations share one.
func Token(dataDir string) (string, error) {
	path := filepath.Join(dataDir, "sandbox.token")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw, err = makeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" {
		return "", fmt.Errorf("sandbox: %s is empty: remove it", path)
	}
	return token, nil
}

// makeToken lets one of several processes that start at once win.
func makeToken(path string) ([]byte, error) {
	token := make([]byte, 16)
	_, _ = rand.Read(token) // never fails, see crypto/rand
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".sandbox.token-") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.WriteString(hex.EncodeToString(token))
	if err = errors.Join(err, draft.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
