// Package spool keeps records on disk while Postgres is away: webhooks (package webhookevent) and clicks (package link),
// each in a directory of its own.
package spool

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
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
	// Limit is how many bytes a spool may hold; beyond it nothing is taken. About two million webhooks, a half hour at
	// 1,000 a second.
	Limit = 1 << 30

	// DamagedSuffix ends the names of segments that a person must look at.
	DamagedSuffix = ".damaged"

	segmentLimit = 16 << 20
	suffix       = ".spool"
	recordHeader = 8 // length and checksum
	// MaxRecord is how many bytes a record may have.
	MaxRecord = 4 << 20
	// ReadTries is how often a segment is tried to be read before it is set aside.
	ReadTries = 8
)

// ErrFull is why a spool takes nothing more.
var ErrFull = errors.New("the spool is full")

// ErrTooLarge is why a spool does not take a record: it could not be read again.
var ErrTooLarge = errors.New("the record is too large for the spool")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Spool keeps records on disk while Postgres is away. Each process writes
// segment files of its own, which it holds locked, so that servers may share a
// directory: a segment is read by the process that wrote it, or, once that has
// died, by the one that gets its lock. What Append returned for survives a power
// cut.
type Spool struct {
	dir   string
	what  string // is kept, in words
	limit int64
	log   *slog.Logger
	// Link is os.Link, unless a test makes a file system without links.
	Link func(from, to string) error

	mu     sync.Mutex
	active *Segment
	sealed []*Segment // in the order of their events
	left   []*Segment // could not be finished: they stay locked, for the next process
	others int64      // bytes of other processes' segments, as last seen
}

// Segment is a part of a spool, of records that came after one another.
type Segment struct {
	path  string
	file  *os.File
	size  int64
	since time.Time // its first event
	tries int       // to read it, that failed
}

// Open opens or makes the directory and takes over what processes that are
// gone left there.
func Open(dir, what string, limit int64, log *slog.Logger) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool of "+what+": %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool of "+what+": %w", err)
	}
	s := &Spool{dir: dir, what: what, limit: limit, log: log, Link: os.Link}
	return s, s.Adopt()
}

// Append keeps records and returns once they are on disk: one write and one
// fsync for all of them.
func (s *Spool) Append(records [][]byte) error {
	var buf []byte
	for _, raw := range records {
		if len(raw) > MaxRecord {
			return fmt.Errorf("%w: %d bytes, %d at most", ErrTooLarge, len(raw), MaxRecord)
		}
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(raw)))
		buf = binary.LittleEndian.AppendUint32(buf, crc32.Checksum(raw, castagnoli))
		buf = append(buf, raw...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size()+int64(len(buf)) > s.limit {
		return ErrFull
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
		return fmt.Errorf("spool of "+s.what+": %w", err)
	}
	s.active.size += int64(len(buf))
	if err := s.active.file.Sync(); err != nil {
		s.sealLocked() // nobody knows what of it is on disk: nothing more goes there
		return fmt.Errorf("spool of "+s.what+": %w", err)
	}
	return nil
}

// create makes a segment that is locked before anybody can see it.
func (s *Spool) create() (*Segment, error) {
	now := time.Now()
	name := fmt.Sprintf("%020d-%d-%s", now.UnixNano(), os.Getpid(), rand.Text()[:6])
	hidden := filepath.Join(s.dir, "."+name)
	file, err := os.OpenFile(hidden, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool of "+s.what+": %w", err)
	}
	seg := &Segment{path: filepath.Join(s.dir, name+suffix), file: file, since: now}
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
		return nil, fmt.Errorf("spool of "+s.what+": %w", err)
	}
	return seg, nil
}

// Seal ends the segment that is being written, so that it can be replayed.
func (s *Spool) Seal() {
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

// Next is the segment to be replayed first; nil when none is sealed.
func (s *Spool) Next() *Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sealed) == 0 {
		return nil
	}
	return s.sealed[0]
}

// Replay gives the records of each sealed segment to store, in order, and is done with it
// then. Those of which store cannot keep all are set aside. After an error a segment is
// read from its beginning the next time, so that storing a record twice has to be
// harmless. One that is gone, or that cannot be read again and again, stops none behind it.
func (s *Spool) Replay(store func(records [][]byte) (damaged bool, err error)) error {
	for seg := s.Next(); seg != nil; seg = s.Next() {
		records, damaged, err := seg.Read()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.log.Error("a part of the spool is gone: somebody removed it", "file", seg.path)
			s.Done(seg)
			continue
		case err != nil:
			if seg.tries++; seg.tries < ReadTries {
				return err
			}
			s.finish(seg, "it cannot be read: "+err.Error())
			continue
		}
		lacking, err := store(records)
		if err != nil {
			return err
		}
		if damaged || lacking {
			s.finish(seg, "damaged on disk, or values that Postgres cannot hold")
			continue
		}
		s.Done(seg)
	}
	return nil
}

// finish is done with a segment that a person must look at.
func (s *Spool) finish(seg *Segment, why string) {
	if err := s.setAside(seg, why); err != nil {
		s.leave(seg, err)
		return
	}
	s.Done(seg)
}

// Done removes a segment whose events are all stored, or kept elsewhere. One
// that cannot be removed is left for the next process: what lies behind it does
// not wait, and storing its events again is harmless.
func (s *Spool) Done(seg *Segment) {
	err := os.Remove(seg.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.leave(seg, err)
		return
	}
	_ = seg.file.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = slices.DeleteFunc(s.sealed, func(other *Segment) bool { return other == seg })
}

// leave goes on without a segment and keeps its lock.
func (s *Spool) leave(seg *Segment, err error) {
	s.log.Error("a part of the spool cannot be finished: it stays until the next start", "file", seg.path, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = slices.DeleteFunc(s.sealed, func(other *Segment) bool { return other == seg })
	s.left = append(s.left, seg)
	s.others += seg.size
}

// Adopt takes over the segments of processes that are gone: their locks went
// with them. They are older than what this process writes from now on.
func (s *Spool) Adopt() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("spool of "+s.what+": %w", err)
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
		if !strings.HasSuffix(path, suffix) || own[path] {
			continue
		}
		seg, size, err := take(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // replayed meanwhile by whom it belonged to
		case err != nil:
			return fmt.Errorf("spool of "+s.what+": %w", err)
		case seg == nil:
			s.others += size
		default:
			s.log.Info("took over what another process had kept", "segment", entry.Name(), "bytes", size)
			s.sealed = append(s.sealed, seg)
		}
	}
	slices.SortStableFunc(s.sealed, func(a, b *Segment) int { return cmp.Compare(a.path, b.path) })
	return nil
}

// take opens a segment and its lock; without a segment it is somebody else's.
func take(path string) (*Segment, int64, error) {
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
	return &Segment{path: path, file: file, size: info.Size(), since: since}, info.Size(), nil
}

// Empty reports whether nothing of this process waits to be stored.
func (s *Spool) Empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active == nil && len(s.sealed) == 0
}

// Waiting is how many bytes wait behind the sealed segments.
func (s *Spool) Waiting() int64 {
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

// Dir is where it lies.
func (s *Spool) Dir() string { return s.dir }

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

// Path is its file.
func (seg *Segment) Path() string { return seg.path }

// Read gives the records of a segment in order. The last one may be torn: it was
// being written when the process or the machine died, and nobody was answered.
// damaged reports that whole records behind it cannot be read.
func (seg *Segment) Read() (records [][]byte, damaged bool, err error) {
	raw, err := os.ReadFile(seg.path)
	if err != nil {
		return nil, false, fmt.Errorf("read the spool: %w", err)
	}
	for len(raw) >= recordHeader {
		n := int(binary.LittleEndian.Uint32(raw))
		sum := binary.LittleEndian.Uint32(raw[4:])
		if n > MaxRecord || n > len(raw)-recordHeader {
			return records, n > MaxRecord, nil
		}
		body := raw[recordHeader : recordHeader+n]
		raw = raw[recordHeader+n:]
		if n == 0 || crc32.Checksum(body, castagnoli) != sum {
			return records, len(raw) > 0, nil
		}
		records = append(records, body)
	}
	return records, false, nil
}

// setAside keeps what cannot be read or stored for a person to look at. Where
// the file system has no links the segment itself is what is kept.
func (s *Spool) setAside(seg *Segment, why string) error {
	kept := strings.TrimSuffix(seg.path, suffix) + DamagedSuffix
	s.log.Error("a part of the spool cannot be stored: it is kept", "file", kept, "reason", why)
	err := s.Link(seg.path, kept)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err := os.Rename(seg.path, kept); err != nil {
		return fmt.Errorf("spool of "+s.what+": %w", err)
	}
	return nil
}
