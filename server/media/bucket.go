package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"eventstream/server/apperr"

	"github.com/uptrace/bun"
)

// Bucket keeps objects. What is not there is fs.ErrNotExist to Get, and no error to Delete.
type Bucket interface {
	Name() string
	Put(ctx context.Context, name, contentType string, content []byte) error
	Get(ctx context.Context, name string, most int64) ([]byte, error)
	Delete(ctx context.Context, name string) error
}

const (
	deleteLimit = 5 * time.Second // while somebody waits
	sweepLimit  = 20 * time.Second
	// SweepBatch is how many objects one run takes away at most.
	SweepBatch = 20
)

// intoBucket writes a file there. It is announced in Postgres before and appears afterwards, so that whatever breaks off in
// between leaves no object that nobody knows of.
func (s *Service) intoBucket(ctx context.Context, f *File, data []byte) (*File, error) {
	var same *File
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if same, err = admit(ctx, tx, f); err != nil || same != nil {
			return err
		}
		return insertAnnounced(ctx, tx, f)
	})
	if err != nil || same != nil {
		return same, err
	}
	if err := s.bucket.Put(ctx, f.Token, f.ContentType, data); err != nil {
		s.log.Warn("a file could not be written into the bucket", "bucket", s.bucket.Name(), "error", err)
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "the file cannot be kept now: the bucket of the media library does not take it. Try again later")
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if same, err = admit(ctx, tx, f); err != nil || same != nil {
			return err
		}
		appeared, err := appear(ctx, tx, f.ID)
		if err != nil {
			return err
		}
		if !appeared {
			return apperr.New(apperr.CodeUnavailable, "the upload took too long: try again")
		}
		return recordUpload(ctx, tx, f)
	})
	if err != nil || same != nil {
		s.removeNow(ctx, f)
		return same, err
	}
	f.DeletedAt = nil
	return f, nil
}

// data is what a file holds, for whoever asks for it.
func (s *Service) data(ctx context.Context, f *File) ([]byte, error) {
	data, err := s.find(ctx, f)
	if err != nil {
		s.log.Warn("a file of the media library cannot be read", "id", f.ID, "error", err)
		return nil, apperr.Wrap(err, apperr.CodeUnavailable, "the file cannot be read now: try again later")
	}
	return data, nil
}

// find gets what a file holds from wherever it lies.
func (s *Service) find(ctx context.Context, f *File) ([]byte, error) {
	data, err := dataOf(ctx, s.db, f.ID)
	if err != nil || data != nil {
		return data, err
	}
	data, err = s.object(ctx, f)
	if err == nil {
		return data, nil
	}
	// It may have been moved back at this very moment.
	if again, failed := dataOf(ctx, s.db, f.ID); failed == nil && again != nil {
		return again, nil
	}
	return nil, err
}

// object reads what the bucket has of a file, and takes nothing for it that it is not.
func (s *Service) object(ctx context.Context, f *File) ([]byte, error) {
	if s.bucket == nil {
		return nil, errors.New("it lies in a bucket, and MEDIA_S3_BUCKET is not set")
	}
	data, err := s.bucket.Get(ctx, f.Token, f.Size)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], f.SHA256) {
		return nil, errOther
	}
	return data, nil
}

// Stored is what a file holds, for a backup; fs.ErrNotExist where that is lost, or deleted since.
func (s *Service) Stored(ctx context.Context, id int64) ([]byte, error) {
	f, err := byID(ctx, s.db, id)
	if apperr.Is(err, apperr.CodeNotFound) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	data, err := s.find(ctx, f)
	if errors.Is(err, errOther) {
		err = fs.ErrNotExist
	}
	return data, err
}

var errOther = errors.New("the object in the bucket is not what was put there")

// removeNow takes an object away while somebody waits, if the bucket is quick.
func (s *Service) removeNow(ctx context.Context, f *File) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteLimit)
	defer cancel()
	if err := s.removeObject(ctx, f); err != nil {
		s.log.Warn("an object stays in the bucket until it answers", "bucket", s.bucket.Name(), "error", err)
	}
}

func (s *Service) removeObject(ctx context.Context, f *File) error {
	if err := s.bucket.Delete(ctx, f.Token); err != nil {
		return err
	}
	return gone(ctx, s.db, f.ID)
}

// Sweep takes up to n objects out of the bucket whose files were deleted, or whose upload broke off.
func (s *Service) Sweep(ctx context.Context, n int) (int, error) {
	if s.bucket == nil {
		return 0, nil
	}
	files, err := leftBehind(ctx, s.db, n)
	if err != nil {
		return 0, err
	}
	for i, f := range files {
		ctx, cancel := context.WithTimeout(ctx, sweepLimit)
		err := s.removeObject(ctx, f)
		cancel()
		if err != nil {
			return i, fmt.Errorf("take an object out of the bucket: %w", err)
		}
	}
	return len(files), nil
}

const movePage = 50

// Move brings every file to where new ones go, one after another, while they go on being served. It may be broken off and begun
// again at any point. told hears of each that was moved. Files that the bucket has lost are named at the end; all else that goes
// wrong ends it.
func (s *Service) Move(ctx context.Context, told func(*File)) (moved int, err error) {
	list, move := inBucket, s.toPostgres
	if s.store {
		list, move = inPostgres, s.toBucket
	}
	var lost []string
	for behind := int64(0); ; {
		files, err := list(ctx, s.db, behind, movePage)
		if err != nil {
			return moved, err
		}
		if len(files) == 0 {
			break
		}
		for _, f := range files {
			behind = f.ID
			switch err := move(ctx, f); {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOther):
				lost = append(lost, fmt.Sprintf("%s (id %d)", f.Name, f.ID))
			case err != nil:
				return moved, fmt.Errorf("%s (id %d): %w", f.Name, f.ID, err)
			default:
				moved++
				if told != nil {
					told(f)
				}
			}
		}
	}
	if len(lost) > 0 {
		return moved, fmt.Errorf("files that are not in the bucket any more, or are other ones there (%d): %s. Delete them in the library, or put the objects back",
			len(lost), strings.Join(lost[:min(len(lost), 20)], ", "))
	}
	return moved, nil
}

func (s *Service) toBucket(ctx context.Context, f *File) error {
	data, err := dataOf(ctx, s.db, f.ID)
	if err != nil || data == nil {
		return err
	}
	if err := announce(ctx, s.db, f.ID); err != nil {
		return err
	}
	if err := s.bucket.Put(ctx, f.Token, f.ContentType, data); err != nil {
		return err
	}
	if _, err := s.object(ctx, f); err != nil { // the only copy is not given up for a promise
		return err
	}
	deleted := false
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		there, err := locked(ctx, tx, f.ID)
		if deleted = there == nil; err != nil || deleted {
			return err
		}
		return removeData(ctx, tx, f.ID)
	})
	if err == nil && deleted {
		return s.removeObject(ctx, f)
	}
	return err
}

func (s *Service) toPostgres(ctx context.Context, f *File) error {
	data, err := dataOf(ctx, s.db, f.ID)
	if err != nil {
		return err
	}
	if data == nil {
		if data, err = s.object(ctx, f); err != nil {
			return err
		}
		err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
			if there, err := locked(ctx, tx, f.ID); err != nil || there == nil {
				return err
			}
			return insertData(ctx, tx, f.ID, data)
		})
		if err != nil {
			return err
		}
	}
	if s.bucket == nil {
		return errors.New("an object of it may lie in a bucket, and MEDIA_S3_BUCKET is not set")
	}
	return s.removeObject(ctx, f)
}

// probe is the last look at the bucket.
type probe struct {
	mu   sync.Mutex
	at   time.Time
	err  error
	busy bool // somebody is asking
}

const (
	probeName  = "eventstream-probe.txt"
	probeText  = "The media library of Event Stream Engine looks by this whether the bucket answers."
	probeLimit = 3 * time.Second
	probeEvery = 30 * time.Second
)

// Look tells whether the bucket can be read; it is asked at most every half a minute, whoever looks. place is "" where there is
// no bucket, and none is needed.
func (s *Service) Look(ctx context.Context) (place string, err error) {
	if s.bucket == nil {
		n, err := stranded(ctx, s.db)
		if err == nil && n > 0 {
			return "a bucket", fmt.Errorf("files lie in a bucket (%d), and MEDIA_S3_BUCKET is not set", n)
		}
		return "", err
	}
	p := &s.probe
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.at) > probeEvery && !p.busy {
		p.busy = true
		p.mu.Unlock() // others are told what was seen last
		err := s.ask(ctx)
		p.mu.Lock()
		p.at, p.err, p.busy = time.Now(), err, false
	}
	return s.bucket.Name(), p.err
}

// ask reads the probe, and writes it where it is not there. AWS calls missing objects forbidden where one may not list.
func (s *Service) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeLimit)
	defer cancel()
	_, err := s.bucket.Get(ctx, probeName, int64(len(probeText)))
	if err == nil {
		return nil
	}
	if failed := s.try(ctx, probeName); failed == nil || errors.Is(err, fs.ErrNotExist) {
		return failed
	}
	return err
}

func (s *Service) try(ctx context.Context, name string) error {
	if err := s.bucket.Put(ctx, name, "text/plain", []byte(probeText)); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	got, err := s.bucket.Get(ctx, name, int64(len(probeText)))
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if string(got) != probeText {
		return errors.New("read: it gives back other content than it was given")
	}
	return nil
}

// Try writes an object, reads it and takes it away again, as all of that is needed. place is as for Look.
func (s *Service) Try(ctx context.Context) (place string, err error) {
	if s.bucket == nil {
		return s.Look(ctx)
	}
	name := "eventstream-try-" + rand.Text() + ".txt"
	if err := s.try(ctx, name); err != nil {
		return s.bucket.Name(), err
	}
	if err := s.bucket.Delete(ctx, name); err != nil {
		return s.bucket.Name(), fmt.Errorf("delete: %w", err)
	}
	return s.bucket.Name(), nil
}
