// Package archive writes small files where this installation's database cannot
// reach them: into a directory, to a URL, or into a bucket that speaks S3.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"eventstream/server/bucket"
	"eventstream/server/durable"
)

// Directory is a place on a disk.
type Directory struct{ Path string }

// Name is for people.
func (d Directory) Name() string { return "directory " + d.Path }

// Put writes a file that is there whole or not at all, and stays after a crash. One that is there already must be
// the same.
func (d Directory) Put(_ context.Context, name string, content []byte) error {
	if err := os.MkdirAll(d.Path, 0o750); err != nil {
		return err
	}
	path := filepath.Join(d.Path, filepath.Base(name))
	if there, err := os.ReadFile(path); err == nil {
		if !bytes.Equal(there, content) {
			return fmt.Errorf("%s is there already, with other content", path)
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(d.Path, ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Chmod(0o640), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return durable.SyncDir(d.Path)
}

// ReadAll gives what was put there, by name.
func (d Directory) ReadAll(context.Context) (map[string][]byte, error) {
	entries, err := os.ReadDir(d.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string][]byte{}, nil
	}
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(entries))
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(d.Path, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Remote is a URL. One that ends in a slash gets each file by PUT under its name; any other gets all of them by POST.
type Remote struct {
	URL    *url.URL // user and password go along as Basic authentication
	Client *http.Client
}

// Name is for people: without user, password and query, which may be secrets.
func (r Remote) Name() string {
	return r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
}

// Put sends a file.
func (r Remote) Put(ctx context.Context, name string, content []byte) error {
	method, target := http.MethodPost, *r.URL
	if strings.HasSuffix(target.Path, "/") {
		method = http.MethodPut
		target.Path += name
	}
	target.User = nil
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(content))
	if err != nil {
		return errors.New("the address cannot be called")
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	req.Header.Set("X-File-Name", name)
	if u := r.URL.User; u != nil {
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	return send(r.Client, req)
}

// Bucket is one that speaks S3.
type Bucket struct{ bucket.Bucket }

// Put writes an object.
func (b Bucket) Put(ctx context.Context, name string, content []byte) error {
	return b.Bucket.Put(ctx, name, "text/plain; charset=utf-8", content)
}

// send reports anything but success, without the address, which may hold secrets.
func send(client *http.Client, req *http.Request) error {
	res, err := client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answered %s: %s", res.Status, strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "")), " "))
	}
	return nil
}

// Client never follows a redirect: what is signed for one address is not sent to another.
func Client() *http.Client {
	return &http.Client{
		Timeout:       15 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
