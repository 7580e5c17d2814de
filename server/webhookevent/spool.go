package webhookevent

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"eventstream/server/durable"
)

const (
	// SpoolLimit is how many bytes a spool may hold; beyond it webhooks are
	// refused. About two million events, a half hour at 1,000 a second.
	SpoolLimit = 1 << 30

	segmentLimit  = 16 << 20
	spoolSuffix   = ".spool"
	damagedSuffix = ".damaged"
	recordHeader  = 8 // length and checksum
	maxRecord     = 4 << 20
)

// errSpoolFull is why a spool takes nothing more.
var errSpoolFull = errors.New("the webhook spool is full")

// errTooLarge is why a spool does not take an event: it could not be read again.
var errTooLarge = errors.New("the event is too large for the webhook spool")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Spool keeps events on disk while Postgres is away. Each process writes
// segment files of its own, which it holds locked, so that servers may share a
// directory: a segment is read by the process that wrote it, or, once that has
// died, by the one that gets its lock. What Append returned for survives a power
// cut.
type Spool struct {
	dir   string
	limit int64
	log   *slog.Logger
	link  func(from, to string) error // os.Link

	mu     sync.Mutex
	active *segment
	sealed []*segment // in the order of their events
	left   []*segment // could not be finished: they stay locked, for the next process
	others int64      // bytes of other processes' segments, as last seen
}

type segment struct {
	path  string
	file  *os.File
	size  int64
	since time.Time // its first event
	tries int       // to read it, that failed
}

// OpenSpool opens or makes the directory and takes over what processes that are
// gone left there.
func OpenSpool(dir string, limit int64, log *slog.Logger) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("webhook spool: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("webhook spool: %w", err)
	}
	s := &Spool{dir: dir, limit: limit, log: log, link: os.Link}
	return s, s.adopt()
}

// Append keeps events and returns once they are on disk: one write and one
// fsync for all of them.
func (s *Spool) Append(events []*Event) error {
	var buf []byte
	for _, e := range events {
		raw, err := json.Marshal(spooledOf(e))
		if err != nil {
			return fmt.Errorf("webhook spool: %w", err)
		}
		if len(raw) > maxRecord {
			return fmt.Errorf("%w: %d bytes, %d at most", errTooLarge, len(raw), maxRecord)
		}
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(raw)))
		buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(raw, castagnoli))
		buf = append(buf, raw...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size()+int64(len(buf)) > s.limit {
		return errSpoolFull
	}
	if s.active != nil && s.active.size >= segmentLimit {
		s.sealLocked()
	}
	if s.active == nil {
		seg, err := s.create()
		if err != nil {
			return err
		}
		s.active = seg
	}
	if _, err := s.active.file.WriteAt(buf, s.active.size); err != nil {
		if cut := s.active.file.Truncate(s.active.size); cut != nil {
			s.sealLocked()
		}
		return fmt.Errorf("webhook spool: %w", err)
	}
	s.active.size += int64(len(buf))
	if err := s.active.file.Sync(); err != nil {
		s.sealLocked() // nobody knows what of it is on disk: nothing more goes there
		return fmt.Errorf("webhook spool: %w", err)
	}
	return nil
}

// create makes a segment that is locked before anybody can see it.
func (s *Spool) create() (*segment, error) {
	now := time.Now()
	name := fmt.Sprintf("%020d-%d-%s", now.UnixNano(), os.Getpid(), rand.Text()[:6])
	hidden := filepath.Join(s.dir, "."+name)
	file, err := os.OpenFile(hidden, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("webhook spool: %w", err)
	}
	seg := &segment{path: filepath.Join(s.dir, name+spoolSuffix), file: file, since: now}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		err = os.Rename(hidden, seg.path)
	}
	if err == nil {
		err = durable.SyncDir(s.dir)
	}
	if err != nil {
		_ = file.Close()
		_ = os.Remove(hidden)
		return nil, fmt.Errorf("webhook spool: %w", err)
	}
	return seg, nil
}

// seal ends the segment that is being written, so that it can be replayed.
func (s *Spool) seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealLocked()
}

func (s *Spool) sealLocked() {
	if s.active != nil {
		s.sealed = append(s.sealed, s.active)
		s.active = nil
	}
}

// next is the segment to be replayed first; nil when none is sealed.
func (s *Spool) next() *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sealed) == 0 {
		return nil
	}
	return s.sealed[0]
}

// done removes a segment whose events are all stored, or kept elsewhere. One
// that cannot be removed is left for the next process: what lies behind it does
// not wait, and storing its events again is harmless.
func (s *Spool) done(seg *segment) {
	err := os.Remove(seg.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.leave(seg, err)
		return
	}
	_ = seg.file.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = slices.DeleteFunc(s.sealed, func(other *segment) bool { return other == seg })
}

// leave goes on without a segment and keeps its lock.
func (s *Spool) leave(seg *segment, err error) {
	s.log.Error("a part of the webhook spool cannot be finished: it stays until the next start", "file", seg.path, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = slices.DeleteFunc(s.sealed, func(other *segment) bool { return other == seg })
	s.left = append(s.left, seg)
	s.others += seg.size
}

// adopt takes over the segments of processes that are gone: their locks went
// with them. They are older than what this process writes from now on.
func (s *Spool) adopt() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("webhook spool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	own := map[string]bool{}
	if s.active != nil {
		own[s.active.path] = true
	}
	for _, seg := range s.sealed {
		own[seg.path] = true
	}
	s.others = 0
	for _, entry := range entries {
		path := filepath.Join(s.dir, entry.Name())
		if !strings.HasSuffix(path, spoolSuffix) || own[path] {
			continue
		}
		seg, size, err := take(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // replayed meanwhile by whom it belonged to
		case err != nil:
			return fmt.Errorf("webhook spool: %w", err)
		case seg == nil:
			s.others += size
		default:
			s.log.Info("took over webhooks that another process had kept", "segment", entry.Name(), "bytes", size)
			s.sealed = append(s.sealed, seg)
		}
	}
	slices.SortStableFunc(s.sealed, func(a, b *segment) int { return cmp.Compare(a.path, b.path) })
	return nil
}

// take opens a segment and its lock; without a segment it is somebody else's.
func take(path string) (*segment, int64, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = file.Close()
		return nil, info.Size(), nil
	}
	if err == nil { // the owner may have removed it between open and lock
		var there fs.FileInfo
		if there, err = os.Stat(path); err == nil && !os.SameFile(there, info) {
			err = fs.ErrNotExist
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	since := info.ModTime()
	stamp, _, _ := strings.Cut(filepath.Base(path), "-")
	if n, err := strconv.ParseInt(stamp, 10, 64); err == nil {
		since = time.Unix(0, n)
	}
	return &segment{path: path, file: file, size: info.Size(), since: since}, info.Size(), nil
}

// empty reports whether nothing of this process waits to be stored.
func (s *Spool) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active == nil && len(s.sealed) == 0
}

// waiting is how many bytes wait behind the sealed segments.
func (s *Spool) waiting() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == nil {
		return 0
	}
	return s.active.size
}

func (s *Spool) size() (n int64) {
	n = s.others
	for _, seg := range s.sealed {
		n += seg.size
	}
	if s.active != nil {
		n += s.active.size
	}
	return n
}

// State is how full the directory is, and since when its oldest event of this
// process waits; zero when none does.
func (s *Spool) State() (bytes int64, oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range append(slices.Clone(s.sealed), s.active) {
		if seg != nil && (oldest.IsZero() || seg.since.Before(oldest)) {
			oldest = seg.since
		}
	}
	return s.size(), oldest
}

// Close gives the locks back; what was not stored stays for the next process.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealLocked()
	for _, seg := range append(s.sealed, s.left...) {
		_ = seg.file.Close()
	}
	s.sealed, s.left = nil, nil
}

// read gives the events of a segment in order. The last one may be torn: it was
// being written when the process or the machine died, and nobody was answered.
// damaged reports that whole events behind it cannot be read.
func (seg *segment) read() (events []*Event, damaged bool, err error) {
	raw, err := os.ReadFile(seg.path)
	if err != nil {
		return nil, false, fmt.Errorf("webhook spool: %w", err)
	}
	for len(raw) >= recordHeader {
		n := int(binary.LittleEndian.Uint32(raw))
		sum := binary.LittleEndian.Uint32(raw[4:])
		if n > maxRecord || n > len(raw)-recordHeader {
			return events, n > maxRecord, nil
		}
		body := raw[recordHeader : recordHeader+n]
		raw = raw[recordHeader+n:]
		var kept spooled
		if n == 0 || crc32.Checksum(body, castagnoli) != sum || json.Unmarshal(body, &kept) != nil {
			return events, len(raw) > 0, nil //nolint:nilerr // a damaged record ends the segment; the caller keeps the file
		}
		events = append(events, kept.event())
	}
	return events, false, nil
}

// setAside keeps what cannot be read or stored for a person to look at. Where
// the file system has no links the segment itself is what is kept.
func (s *Spool) setAside(seg *segment, why string) error {
	kept := strings.TrimSuffix(seg.path, spoolSuffix) + damagedSuffix
	s.log.Error("a part of the webhook spool cannot be stored: it is kept", "file", kept, "reason", why)
	err := s.link(seg.path, kept)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err := os.Rename(seg.path, kept); err != nil {
		return fmt.Errorf("webhook spool: %w", err)
	}
	return nil
}

// spooled is an event as it lies on disk: only what a request brought.
type spooled struct {
	Kind       Kind              `json:"k"`
	SID        string            `json:"s"`
	DedupeKey  string            `json:"d"`
	MessageID  int64             `json:"m,omitempty"`
	Params     map[string]string `json:"p"`
	Headers    map[string]string `json:"h"`
	Signed     bool              `json:"v"`
	ArrivedAt  *time.Time        `json:"a"`
	HappenedAt *time.Time        `json:"t,omitempty"`
	ContactKey string            `json:"c,omitempty"`
	Urgent     bool              `json:"u,omitempty"`
	Signature  string            `json:"g,omitempty"`
	Content    int64             `json:"n,omitempty"`
}

func spooledOf(e *Event) spooled {
	return spooled{
		Kind: e.Kind, SID: e.SID, DedupeKey: e.DedupeKey, MessageID: e.MessageID, Params: e.Params, Headers: e.Headers,
		Signed: e.SignatureValid, ArrivedAt: e.ArrivedAt, HappenedAt: e.HappenedAt, ContactKey: e.ContactKey, Urgent: e.Urgent,
		Signature: e.SignatureKey, Content: e.ContentKey,
	}
}

func (k spooled) event() *Event {
	return &Event{
		Kind: k.Kind, SID: k.SID, DedupeKey: k.DedupeKey, MessageID: k.MessageID, Params: k.Params, Headers: k.Headers,
		SignatureValid: k.Signed, ArrivedAt: k.ArrivedAt, HappenedAt: k.HappenedAt, ContactKey: k.ContactKey, Urgent: k.Urgent,
		SignatureKey: k.Signature, ContentKey: k.Content, Source: SourceSpool,
	}
}
