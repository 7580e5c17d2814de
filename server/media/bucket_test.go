package media_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/bucket/buckettest"
	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/media"

	"github.com/stretchr/testify/require"
)

const prefix = "library/"

// shelf is a library with a bucket, and how it is seen from outside.
type shelf struct {
	*media.Service
	t      *testing.T
	ctx    context.Context
	db     *db.DB
	server *buckettest.Server
}

func newShelf(t *testing.T, toBucket bool) *shelf {
	t.Helper()
	s := &shelf{t: t, db: dbtest.New(t), server: buckettest.New(t)}
	s.ctx = actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	s.begin(toBucket)
	return s
}

// begin opens the library anew, with nothing in memory.
func (s *shelf) begin(toBucket bool) {
	s.Service = media.NewService(media.Options{
		DB: s.db, Bucket: s.server.Bucket(prefix), ToBucket: toBucket, Log: slog.New(slog.DiscardHandler),
	})
}

func pdf(n int) []byte { return fmt.Appendf(nil, "%%PDF-1.7\n%d\n", n) }

func (s *shelf) put(n int) *media.File {
	s.t.Helper()
	f, err := s.Upload(s.ctx, fmt.Sprintf("list %d.pdf", n), bytes.NewReader(pdf(n)), false)
	require.NoError(s.t, err)
	return f
}

// holds checks that a file is given out as it was taken in.
func (s *shelf) holds(f *media.File, n int) {
	s.t.Helper()
	got, r, err := s.Open(s.ctx, f.Token)
	require.NoError(s.t, err)
	data, err := io.ReadAll(r)
	require.NoError(s.t, err)
	require.Equal(s.t, string(pdf(n)), string(data))
	require.Equal(s.t, "application/pdf", got.ContentType)
}

func (s *shelf) count(query string) (n int) {
	s.t.Helper()
	require.NoError(s.t, s.db.NewRaw(query).Scan(s.ctx, &n))
	return n
}

// past lets all that was deleted have been deleted a while ago.
func (s *shelf) past() {
	s.t.Helper()
	_, err := s.db.NewRaw("UPDATE media SET deleted_at = deleted_at - interval '1 hour' WHERE deleted_at IS NOT NULL").Exec(s.ctx)
	require.NoError(s.t, err)
}

func TestFilesLieInTheBucket(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	f := s.put(1)
	require.Equal(t, []string{prefix + f.Token}, s.server.Keys())
	require.Zero(t, s.count("SELECT count(*) FROM media_files"), "and nowhere else")
	require.Equal(t, f.ID, s.put(1).ID, "what is there is not kept twice")
	require.Len(t, s.server.Keys(), 1)
	s.holds(f, 1)
	before := s.server.Served(http.MethodGet)
	s.holds(f, 1)
	require.Equal(t, before, s.server.Served(http.MethodGet), "the second time from memory")

	require.NoError(t, s.Delete(s.ctx, f.ID))
	require.Empty(t, s.server.Keys(), "at once")
	_, _, err := s.Open(s.ctx, f.Token)
	require.True(t, apperr.Is(err, apperr.CodeNotFound))
	require.Zero(t, s.count("SELECT count(*) FROM media WHERE in_bucket"))

	second := s.put(2)
	s.server.Fail(buckettest.Refuse(http.StatusServiceUnavailable, "SlowDown"))
	require.NoError(t, s.Delete(s.ctx, second.ID), "it is gone for everybody")
	s.past()
	_, err = s.Sweep(s.ctx, 10)
	require.ErrorContains(t, err, "503 SlowDown")
	s.server.Fail(nil)
	require.Len(t, s.server.Keys(), 1)
	n, err := s.Sweep(s.ctx, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, s.server.Keys(), "as soon as the bucket answers")
}

func TestABucketThatTakesNothing(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	for name, fault := range map[string]buckettest.Fault{
		"away": buckettest.Away, "refused": buckettest.Refuse(http.StatusForbidden, "AccessDenied"),
		"full": buckettest.Refuse(http.StatusInsufficientStorage, "XMinioStorageFull"),
	} {
		s.server.Fail(fault)
		_, err := s.Upload(s.ctx, "a.pdf", bytes.NewReader(pdf(1)), false)
		require.True(t, apperr.Is(err, apperr.CodeUnavailable), "%s: %v", name, err)
		require.Contains(t, apperr.Text(err).String(), "the bucket of the media library does not take it")
	}
	page, err := s.List(s.ctx, media.Filter{}, db.Page{})
	require.NoError(t, err)
	require.Empty(t, page.Items, "it is not there by half")
	// One that was written, but whose answer was lost.
	s.server.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			require.NoError(t, s.server.Store(strings.TrimPrefix(r.URL.Path, "/"+buckettest.Name+"/"), r.Body))
		}
		panic(http.ErrAbortHandler)
	})
	_, err = s.Upload(s.ctx, "a.pdf", bytes.NewReader(pdf(1)), false)
	require.True(t, apperr.Is(err, apperr.CodeUnavailable))
	s.server.Fail(nil)
	require.Len(t, s.server.Keys(), 1)
	n, err := s.Sweep(s.ctx, 10)
	require.NoError(t, err)
	require.Zero(t, n, "it might be under way")
	s.past()
	n, err = s.Sweep(s.ctx, 10)
	require.NoError(t, err)
	require.Equal(t, 4, n)
	require.Empty(t, s.server.Keys(), "nothing is left that nobody knows of")
	require.Equal(t, int64(len(pdf(1))), s.put(1).Size)
}

func TestABucketThatGivesNothing(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	f := s.put(1)
	for name, fault := range map[string]buckettest.Fault{
		"away": buckettest.Away, "refused": buckettest.Refuse(http.StatusForbidden, "AccessDenied"), "cut": buckettest.Cut,
		"other": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write(bytes.Repeat([]byte("x"), len(pdf(1))))
			return true
		},
		"more":    func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write(make([]byte, 1<<20)); return true },
		"missing": buckettest.Refuse(http.StatusNotFound, "NoSuchKey"),
	} {
		s.server.Fail(fault)
		_, _, err := s.Open(s.ctx, f.Token)
		require.True(t, apperr.Is(err, apperr.CodeUnavailable), "%s: %v", name, err)
		require.Equal(t, "the file cannot be read now: try again later", apperr.Text(err).String(), "strangers learn nothing")
	}
	s.server.Fail(nil)
	s.holds(f, 1)
	s.server.Fail(buckettest.Away)
	s.holds(f, 1) // from memory
}

// TestFilesAreMovedAndServedMeanwhile breaks off in the middle, both ways.
func TestFilesAreMovedAndServedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	const most = 6
	files := make([]*media.File, most)
	for i := range files {
		files[i] = s.put(i)
	}
	require.Empty(t, s.server.Keys(), "in Postgres")
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			plain := media.NewService(media.Options{DB: s.db, Bucket: s.server.Bucket(prefix), Log: slog.New(slog.DiscardHandler)})
			for _, f := range files[1:] {
				if _, _, err := plain.Open(s.ctx, f.Token); err != nil {
					t.Errorf("while it is moved: %v", err)
				}
			}
		}
	})
	after := func(n int, method string) {
		left := n
		var mu sync.Mutex
		s.server.Fail(func(w http.ResponseWriter, r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method != method {
				return false
			}
			left--
			return left < 0 && buckettest.Refuse(http.StatusForbidden, "AccessDenied")(w, r)
		})
	}
	s.begin(true)
	after(2, http.MethodPut)
	moved, err := s.Move(s.ctx, nil)
	require.ErrorContains(t, err, "list 2.pdf")
	require.ErrorContains(t, err, "403 AccessDenied")
	require.Equal(t, 2, moved)
	require.Equal(t, most-2, s.count("SELECT count(*) FROM media_files"))
	s.server.Fail(nil)
	require.NoError(t, s.Delete(s.ctx, files[0].ID))
	moved, err = s.Move(s.ctx, nil)
	require.NoError(t, err)
	require.Equal(t, most-2, moved)
	require.Len(t, s.server.Keys(), most-1)
	require.Zero(t, s.count("SELECT count(*) FROM media_files"))
	s.begin(true)
	for i, f := range files[1:] {
		s.holds(f, i+1)
	}

	s.begin(false)
	after(2, http.MethodDelete)
	_, err = s.Move(s.ctx, nil)
	require.ErrorContains(t, err, "403 AccessDenied")
	s.server.Fail(nil)
	_, err = s.Move(s.ctx, nil)
	require.NoError(t, err)
	close(done)
	readers.Wait()
	require.Empty(t, s.server.Keys())
	require.Equal(t, most-1, s.count("SELECT count(*) FROM media_files"))
	require.Zero(t, s.count("SELECT count(*) FROM media WHERE in_bucket"))
	for i, f := range files[1:] {
		s.holds(f, i+1)
	}
}

func TestWhatTheBucketHasLostIsNamed(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.put(1)
	lost := s.put(2)
	s.put(3)
	require.NoError(t, s.server.Bucket(prefix).Delete(s.ctx, lost.Token))
	s.begin(false)
	moved, err := s.Move(s.ctx, nil)
	require.ErrorContains(t, err, "files that are not in the bucket any more, or are other ones there (1): list 2.pdf")
	require.ErrorContains(t, err, "list 2.pdf")
	require.Equal(t, 2, moved, "the others are moved all the same")
	without := media.NewService(media.Options{DB: s.db, Log: slog.New(slog.DiscardHandler)})
	_, err = without.Move(s.ctx, nil)
	require.ErrorContains(t, err, "MEDIA_S3_BUCKET is not set")
	place, err := without.Look(s.ctx)
	require.ErrorContains(t, err, "files lie in a bucket (1), and MEDIA_S3_BUCKET is not set")
	require.Equal(t, "a bucket", place)
}

func TestWhetherTheBucketAnswers(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	look := func() error {
		s.begin(true) // what was seen lately is not asked again
		place, err := s.Look(s.ctx)
		require.Equal(t, "s3://"+buckettest.Name+"/"+prefix, place)
		return err
	}
	require.NoError(t, look())
	writes := s.server.Served(http.MethodPut)
	require.NoError(t, look())
	require.Equal(t, writes, s.server.Served(http.MethodPut), "it is written once")
	asked := s.server.Served(http.MethodGet)
	_, err := s.Look(s.ctx)
	require.NoError(t, err)
	require.Equal(t, asked, s.server.Served(http.MethodGet), "and asked twice a minute at most")
	for want, fault := range map[string]buckettest.Fault{
		"the bucket's answer was cut off":                     buckettest.Away,
		"the bucket answered 403 AccessDenied not like this":  buckettest.Refuse(http.StatusForbidden, "AccessDenied"),
		"the bucket answered 404 NoSuchBucket not like this":  buckettest.Refuse(http.StatusNotFound, "NoSuchBucket"),
		"the bucket answered 500 InternalError not like this": buckettest.Refuse(http.StatusInternalServerError, "InternalError"),
	} {
		s.server.Fail(fault)
		require.ErrorContains(t, look(), want)
		_, err := s.Try(s.ctx)
		require.ErrorContains(t, err, want)
	}
	s.server.Fail(nil)
	_, err = s.Try(s.ctx)
	require.NoError(t, err)
	require.Len(t, s.server.Keys(), 1, "what was tried is taken away again")
}

// TestTwoMovesDoNotMeet: the one would delete the object that the other relies on.
func TestTwoMovesDoNotMeet(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	f := s.put(1)
	back := media.NewService(media.Options{DB: s.db, Bucket: s.server.Bucket(prefix), Log: slog.New(slog.DiscardHandler)})
	s.begin(true)
	met := make(chan error, 1)
	s.server.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			_, err := back.Move(s.ctx, nil)
			met <- err
		}
		return false
	})
	_, err := s.Move(s.ctx, nil)
	require.NoError(t, err)
	require.ErrorContains(t, <-met, "another move of the media library is under way")
	s.server.Fail(nil)
	s.holds(f, 1)
	_, err = back.Move(s.ctx, nil)
	require.NoError(t, err, "the lock is given back")

	// Somebody whose move has lost its connection goes on by one file.
	s.server.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			_, err := s.db.NewRaw("UPDATE media SET in_bucket = false").Exec(s.ctx)
			met <- err
		}
		return false
	})
	_, err = s.Move(s.ctx, nil)
	require.NoError(t, <-met)
	require.ErrorContains(t, err, "its object was taken out of the bucket meanwhile: it stays in Postgres")
	require.Equal(t, 1, s.count("SELECT count(*) FROM media_files"))
}

// TestNoObjectOfALiveFileIsDeleted where nobody knows whether its upload was committed.
func TestNoObjectOfALiveFileIsDeleted(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	for _, q := range []string{
		"CREATE FUNCTION lost() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the answer is lost'; END $$",
		"CREATE CONSTRAINT TRIGGER lost AFTER UPDATE ON media DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lost()",
	} {
		_, err := s.db.NewRaw(q).Exec(s.ctx)
		require.NoError(t, err)
	}
	_, err := s.Upload(s.ctx, "a.pdf", bytes.NewReader(pdf(1)), false)
	require.ErrorContains(t, err, "the answer is lost")
	require.Len(t, s.server.Keys(), 1, "the commit may have been done")
	_, err = s.db.NewRaw("DROP TRIGGER lost ON media").Exec(s.ctx)
	require.NoError(t, err)
	s.past()
	n, err := s.Sweep(s.ctx, 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, s.server.Keys(), "it was not")

	// One that took so long that it is about to be swept does not become live any more.
	s.server.Fail(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			s.past()
		}
		return false
	})
	_, err = s.Upload(s.ctx, "a.pdf", bytes.NewReader(pdf(1)), false)
	require.ErrorContains(t, err, "the upload took too long")
	require.Empty(t, s.server.Keys())
	s.server.Fail(nil)
	s.put(1)
}

func TestWhatTheBucketHasLostIsUploadedAgain(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	f := s.put(1)
	for _, toBucket := range []bool{true, false} {
		require.NoError(t, s.server.Bucket(prefix).Delete(s.ctx, f.Token))
		s.begin(toBucket)
		_, _, err := s.Open(s.ctx, f.Token)
		require.Error(t, err)
		s.server.Fail(buckettest.Refuse(http.StatusForbidden, "AccessDenied"))
		s.put(1)
		s.server.Fail(nil)
		require.Empty(t, s.server.Keys(), "nobody knows whether it is lost")
		again := s.put(1)
		require.Equal(t, f.ID, again.ID)
		require.Equal(t, f.Token, again.Token)
		s.holds(f, 1)
	}
	require.Equal(t, 1, s.count("SELECT count(*) FROM media_files"), "where new files go")
	require.Equal(t, 1, s.count("SELECT count(*) FROM media"))
}

func TestOneObjectDoesNotStopTheSweep(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	files := []*media.File{s.put(0), s.put(1), s.put(2)}
	_, err := s.db.NewRaw("INSERT INTO sending_hold (held_at, backup_at) VALUES (now(), now())").Exec(s.ctx)
	require.NoError(t, err)
	for _, f := range files {
		require.NoError(t, s.Delete(s.ctx, f.ID))
	}
	s.past()
	n, err := s.Sweep(s.ctx, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	require.Len(t, s.server.Keys(), 3, "a copy deletes nothing of its original's")
	_, err = s.db.NewRaw("DELETE FROM sending_hold").Exec(s.ctx)
	require.NoError(t, err)

	s.server.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, files[0].Token) && buckettest.Refuse(http.StatusForbidden, "AccessDenied")(w, r)
	})
	n, err = s.Sweep(s.ctx, 10)
	require.ErrorContains(t, err, "take the object of list 0.pdf")
	require.ErrorContains(t, err, "403 AccessDenied")
	require.Equal(t, 2, n)
	require.Equal(t, []string{prefix + files[0].Token}, s.server.Keys())
}
