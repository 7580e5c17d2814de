package backup

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"eventstream/server/db"
	"eventstream/server/durable"
	"eventstream/server/keys"
	"eventstream/server/secret"
)

// An archive is a zip file: one part for each table, as COPY writes it, and then the
// manifest with its signature. A zip is read from its end, so that a part of one is
// none; and the file has its name only once all of it is on the disk.
const (
	format        = 1
	partsIn       = "tables/"
	partSuffix    = ".copy"
	manifestName  = "manifest.json"
	signatureName = "manifest.signature"
	signatureFor  = "backup manifest"
	manifestLimit = 64 << 20
)

// Manifest says what is in an archive.
type Manifest struct {
	Format    int             `json:"format"`
	Engine    string          `json:"engine"` // version of the program that made it
	Postgres  string          `json:"postgres"`
	TakenAt   time.Time       `json:"takenAt"` // what was committed until then is in it
	Schema    db.Schema       `json:"schema"`
	Tables    []Table         `json:"tables"`
	Sequences []Sequence      `json:"sequences"`
	Secrets   []string        `json:"secrets"`     // ids of the SECRET_KEYs under which secrets lie
	Addresses []*keys.Address `json:"addressKeys"` // encrypted, newest first
}

// Table is one part of an archive.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
}

// Sequence is where a sequence stood.
type Sequence struct {
	Name string `json:"name"`
	Last *int64 `json:"last"` // nil: it was never used
}

// Rows is how many rows all tables have.
func (m *Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// archive is a file that becomes a backup when it is whole.
type archive struct {
	path string
	file *os.File
	zip  *zip.Writer
}

func create(path string) (*archive, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s is there already: a backup overwrites nothing", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".partial-*") // for its owner alone
	if err != nil {
		return nil, fmt.Errorf("write the backup: %w", err)
	}
	z := zip.NewWriter(f)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return &archive{path: path, file: f, zip: z}, nil
}

// part writes one part and gives its size and hash.
func (a *archive) part(name string, write func(io.Writer) error) (size int64, sum string, err error) {
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
	if err != nil {
		return 0, "", err
	}
	m := &meter{hash: sha256.New()}
	if err := write(io.MultiWriter(w, m)); err != nil {
		return 0, "", err
	}
	return m.size, m.sum(), nil
}

// finish writes the manifest and gives the file its name.
func (a *archive) finish(m *Manifest, k *secret.Keys) (size int64, err error) {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return 0, err
	}
	for name, content := range map[string][]byte{
		manifestName:  raw,
		signatureName: []byte(k.Sign(signatureFor, digest(raw))),
	} {
		if _, _, err := a.part(name, func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(a.zip.Close(), a.file.Sync()); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	info, err := a.file.Stat()
	if err != nil {
		return 0, err
	}
	if err := a.file.Close(); err != nil {
		return 0, fmt.Errorf("write the backup: %w", err)
	}
	// A link, unlike a rename, replaces nothing that came meanwhile.
	if err := os.Link(a.file.Name(), a.path); err != nil {
		return 0, fmt.Errorf("name the backup: %w", err)
	}
	return info.Size(), errors.Join(os.Remove(a.file.Name()), durable.SyncDir(filepath.Dir(a.path)))
}

// drop removes what did not become a backup.
func (a *archive) drop() {
	_ = a.file.Close()
	_ = os.Remove(a.file.Name())
}

// meter measures and hashes what goes through it.
type meter struct {
	hash hash.Hash
	size int64
}

func (m *meter) Write(p []byte) (int, error) {
	m.size += int64(len(p))
	return m.hash.Write(p)
}

func (m *meter) sum() string { return hex.EncodeToString(m.hash.Sum(nil)) }

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Opened is an archive that is read.
type Opened struct {
	Manifest  *Manifest
	file      *os.File
	zip       *zip.Reader
	raw       []byte // the manifest
	signature string
}

// Open opens an archive and reads its manifest. Nothing of it is proven yet.
func Open(path string) (*Opened, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the backup: %w", err)
	}
	o := &Opened{file: f}
	if err := o.read(); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s is no whole backup: %w", path, err)
	}
	return o, nil
}

func (o *Opened) read() error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if o.zip, err = zip.NewReader(o.file, info.Size()); err != nil {
		return err
	}
	if o.raw, err = o.small(manifestName); err != nil {
		return err
	}
	signature, err := o.small(signatureName)
	if err != nil {
		return err
	}
	o.signature = string(signature)
	o.Manifest = new(Manifest)
	if err := json.Unmarshal(o.raw, o.Manifest); err != nil {
		return fmt.Errorf("its manifest: %w", err)
	}
	if o.Manifest.Format != format {
		return fmt.Errorf("it has format %d, and this version reads format %d", o.Manifest.Format, format)
	}
	return nil
}

func (o *Opened) small(name string) ([]byte, error) {
	r, err := o.zip.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, manifestLimit+1))
	if err == nil && len(raw) > manifestLimit {
		err = fmt.Errorf("%s is too long", name)
	}
	return raw, err
}

// part gives the content of a table's part to use, and holds it against the manifest.
func (o *Opened) part(t Table, use func(io.Reader) (rows int64, err error)) error {
	r, err := o.zip.Open(partsIn + t.Name + partSuffix)
	if err != nil {
		return fmt.Errorf("the part %s: %w", t.Name, err)
	}
	defer func() { _ = r.Close() }()
	m := &meter{hash: sha256.New()}
	rows, err := use(io.TeeReader(r, m))
	if err != nil {
		return fmt.Errorf("the part %s: %w", t.Name, err)
	}
	if m.size != t.Bytes || m.sum() != t.SHA256 || rows != t.Rows {
		return fmt.Errorf("the part %s is not what the manifest says: %d rows and %d bytes instead of %d and %d, or changed since",
			t.Name, rows, m.size, t.Rows, t.Bytes)
	}
	return nil
}

// Verify reads the whole archive and holds it against its manifest, and that against
// its signature.
func (o *Opened) Verify(k *secret.Keys) error {
	if err := o.signed(k); err != nil {
		return err
	}
	for _, t := range o.Manifest.Tables {
		err := o.part(t, func(r io.Reader) (int64, error) {
			_, err := io.Copy(io.Discard, r)
			return t.Rows, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// signed reports whether the keys are those of the backup.
func (o *Opened) signed(k *secret.Keys) error {
	known := k.IDs()
	for _, id := range append([]string{secret.KeyOf(o.signature)}, o.Manifest.Secrets...) {
		if !slices.Contains(known, id) {
			return fmt.Errorf("the SECRET_KEY with the id %s is missing, which this backup was made with: give the file of keys "+
				"that was written beside it, or set that key as SECRET_KEY_PREVIOUS", id)
		}
	}
	if !k.Signed(signatureFor, digest(o.raw), o.signature) {
		return errors.New("the manifest is not the one that was signed")
	}
	if err := keys.Check(k, o.Manifest.Addresses); err != nil {
		return fmt.Errorf("without the keys by which addresses are hashed, people who were erased could be written to again: %w", err)
	}
	return nil
}

// Close closes the file.
func (o *Opened) Close() error { return o.file.Close() }
