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
	"eventstream/server/say"
	"eventstream/server/template"

	"github.com/uptrace/bun"
)

// Bucket keeps objects. What is not there is fs.ErrNotExist to Get, and no error to Delete.
type Bucket interface {
	Name() string
	Put(ctx context.Context, name, contentType string, content []byte) error
	Get(ctx context.Context, name string, most int64) ([]byte, error)
	Has(ctx context.Context, name string) (bool, error)
	Delete(ctx context.Context, name string) error
}

const (
	deleteLimit = 5 * time.Second // while somebody waits
	sweepLimit  = 20 * time.Second
	// SweepBatch is how many objects one run takes away at most.
	SweepBatch = 20
	// sweepFailures end a run: a bucket that is away is not waited for 20 times.
	sweepFailures = 5
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
	if err != nil {
		return nil, err
	}
	if same != nil {
		return same, s.putBack(ctx, same, data)
	}
	if err := s.write(ctx, f, data); err != nil {
		return nil, err
	}
	committing := false // from then on only Postgres knows whether the file is one of the library
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
		err = recordUpload(ctx, tx, f)
		committing = err == nil
		return err
	})
	if !committing {
		s.removeNow(ctx, f)
		return same, err
	}
	if err != nil {
		return nil, err // the answer may be lost after a commit: Sweep takes the object away if there was none
	}
	f.DeletedAt = nil
	return f, nil
}

// write puts an object that was announced into the bucket, for somebody who uploads it.
func (s *Service) write(ctx context.Context, f *File, data []byte) error {
	err := s.bucket.Put(ctx, f.Token, f.ContentType, data)
	if err == nil {
		return nil
	}
	s.log.Warn("a file could not be written into the bucket", "bucket", s.bucket.Name(), "error", err)
	return apperr.Wrap(err, apperr.CodeUnavailable, "the file cannot be kept now: the bucket of the media library does not take it. Try again later")
}

// putBack writes a file of the library again that its bucket has lost, when somebody uploads the same one. Its address stays.
func (s *Service) putBack(ctx context.Context, f *File, data []byte) error {
	_, err := s.find(ctx, f)
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errOther) {
		return nil // it is there, or nobody knows: then there is nothing to mend
	}
	deleted := false
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		there, err := locked(ctx, tx, f.ID)
		if deleted = there == nil; err != nil || deleted {
			return err
		}
		if s.store {
			return announce(ctx, tx, f.ID)
		}
		return insertData(ctx, tx, f.ID, data)
	})
	if err != nil || deleted || !s.store {
		return err
	}
	if err := s.write(ctx, f, data); err != nil {
		return err
	}
	if _, err := byID(ctx, s.db, f.ID); apperr.Is(err, apperr.CodeNotFound) {
		s.removeNow(ctx, f) // deleted meanwhile
	}
	return nil
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

// Lost tells that the bucket does not have a file that the library keeps there; empty when it has, or when the file lies elsewhere. An
// error: nobody knows. Nothing is read but whether it is there.
func (s *Service) Lost(ctx context.Context, m template.Media) (say.Text, error) {
	f, _, err := inLibrary(ctx, s.db, m)
	if err != nil || f == nil {
		return say.Text{}, err
	}
	if here, err := inDatabase(ctx, s.db, f.ID); err != nil || here {
		return say.Text{}, err
	}
	lost := say.New("the bucket of the media library does not have %s: upload the same file again", f.FileName())
	if s.bucket == nil {
		return lost, nil
	}
	has, err := s.bucket.Has(ctx, f.Token)
	if err != nil || has {
		return say.Text{}, err
	}
	if here, err := inDatabase(ctx, s.db, f.ID); err != nil || here { // moved back at this very moment
		return say.Text{}, err
	}
	return lost, nil
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

// removeObject takes an object away, but none while sending is held: this may be a copy of an installation whose bucket it is.
func (s *Service) removeObject(ctx context.Context, f *File) error {
	is, err := held(ctx, s.db)
	if err != nil {
		return err
	}
	if is {
		return errors.New("nothing is deleted in the bucket while sending is held after a restore")
	}
	if err := s.bucket.Delete(ctx, f.Token); err != nil {
		return err
	}
	return gone(ctx, s.db, f.ID)
}

// Sweep takes up to n objects out of the bucket whose files were deleted, or whose upload broke off. One that cannot be deleted
// does not keep the others from it.
func (s *Service) Sweep(ctx context.Context, n int) (int, error) {
	if s.bucket == nil {
		return 0, nil
	}
	if is, err := held(ctx, s.db); err != nil || is {
		return 0, err
	}
	files, err := leftBehind(ctx, s.db, n)
	if err != nil {
		return 0, err
	}
	removed := 0
	var failed []error
	for _, f := range files {
		ctx, cancel := context.WithTimeout(ctx, sweepLimit)
		err := s.removeObject(ctx, f)
		cancel()
		if err == nil {
			removed++
			continue
		}
		failed = append(failed, fmt.Errorf("take the object of %s (id %d) out of the bucket: %w", f.Name, f.ID, err))
		if len(failed) == sweepFailures {
			break
		}
	}
	return removed, errors.Join(failed...)
}

const movePage = 50

// Move brings every file to where new ones go, one after another, while they go on being served. It may be broken off and begun
// again at any point. told hears of each that was moved. Files that the bucket has lost are named at the end; all else that goes
// wrong ends it. There is one move at a time: two in opposite directions would each delete what the other relies on.
func (s *Service) Move(ctx context.Context, told func(*File)) (moved int, err error) {
	lock, err := lockMove(ctx, s.db)
	if err != nil {
		return 0, err
	}
	if lock == nil {
		return 0, errors.New("another move of the media library is under way: wait until it has ended, then begin again")
	}
	defer lock.release()
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
			if err := lock.check(ctx); err != nil {
				return moved, fmt.Errorf("the lock of this move was lost, begin again: %w", err)
			}
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
		return moved, fmt.Errorf("files that are not in the bucket any more, or are other ones there (%d): %s. Upload them again, or delete them in the library",
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
		if !there.InBucket { // somebody has deleted the object meanwhile
			return errors.New("its object was taken out of the bucket meanwhile: it stays in Postgres")
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
