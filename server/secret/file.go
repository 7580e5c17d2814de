package secret

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Generate makes a new SECRET_KEY.
func Generate() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, see crypto/rand
	return hex.EncodeToString(key)
}

// ReadFile reads keys from a file: one a line, the newest first.
func ReadFile(path string) ([]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keys := strings.Fields(string(raw))
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	return keys, nil
}

// EnsureFile reads keys from a file, and makes it with the key that generate gives
// where there is none. Of two processes that do so at once, one makes it.
func EnsureFile(path string, generate func() string) ([]string, error) {
	keys, err := ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	made, err := writeBeside(path, []string{generate()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(made) }()
	if err := os.Link(made, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return ReadFile(path)
}

// WriteFile replaces the keys of a file: it has either the old ones or the new.
func WriteFile(path string, keys []string) error {
	made, err := writeBeside(path, keys)
	if err != nil {
		return err
	}
	return os.Rename(made, path)
}

func writeBeside(path string, keys []string) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // for its owner alone
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(strings.Join(keys, "\n") + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// lookEvery is how often a file of keys is looked at.
const lookEvery = time.Second

// Settled is how long after WriteFile every process that follows the file knows.
const Settled = 2 * lookEvery

// Follow makes Keys of a file, and of what others write there later: a server
// need not be started again for a rotation.
func Follow(path string) (*Keys, error) {
	k := &Keys{path: path}
	if err := k.read(); err != nil {
		return nil, fmt.Errorf("secret key: %w", err)
	}
	return k, nil
}

func (k *Keys) read() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return err
	}
	keys, err := ReadFile(k.path)
	if err != nil {
		return err
	}
	k.file, k.looked = info, time.Now()
	k.ring.Store(newRing(keys))
	return nil
}

// current gives the keys as they are now. A file that cannot be read at the
// moment changes nothing.
func (k *Keys) current() *ring {
	if k.path != "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		if time.Since(k.looked) >= lookEvery {
			k.looked = time.Now()
			info, err := os.Stat(k.path)
			if err == nil && (!os.SameFile(info, k.file) || !info.ModTime().Equal(k.file.ModTime())) {
				_ = k.read()
			}
		}
	}
	return k.ring.Load()
}
