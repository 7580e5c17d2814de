package backup_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/backup"
	"eventstream/server/bucket/buckettest"
	"eventstream/server/db/dbtest"
	"eventstream/server/media"
	"eventstream/server/secret"

	"github.com/stretchr/testify/require"
)

// TestABackupHasTheFilesOfTheBucket: what is restored needs no bucket, and never touches the original's.
func TestABackupHasTheFilesOfTheBucket(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	e, server := original(t, k), buckettest.New(t)
	ctx := actor.With(t.Context(), actor.Actor{Kind: actor.KindSystem, Role: actor.RoleMarketer})
	library := func(e env, toBucket bool) *media.Service {
		return media.NewService(media.Options{DB: e.DB, Bucket: server.Bucket(""), ToBucket: toBucket, Log: quiet})
	}
	content := func(n int) []byte { return fmt.Appendf(nil, "%%PDF-1.7\n%d\x00\t\\\n", n) }
	s := library(e, true)
	var files []*media.File
	for n := range 3 {
		f, err := s.Upload(ctx, fmt.Sprintf("list %d.pdf", n), bytes.NewReader(content(n)), false)
		require.NoError(t, err)
		files = append(files, f)
	}
	inside, err := library(e, false).Upload(ctx, "inside.pdf", bytes.NewReader(content(9)), false)
	require.NoError(t, err)
	require.NoError(t, server.Bucket("").Delete(ctx, files[2].Token)) // somebody has tidied up
	write := func() (*backup.Made, error) {
		return backup.Write(ctx, e.DB, backup.Options{Path: t.TempDir(), Secret: k, Engine: "test", Now: time.Now, Stored: s.Stored})
	}
	server.Fail(buckettest.Refuse(http.StatusForbidden, "AccessDenied"))
	_, err = write()
	require.ErrorContains(t, err, "the file list 0.pdf of the media library: the bucket answered 403", "half of it is no backup")
	server.Fail(func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true })
	_, err = write()
	require.ErrorContains(t, err, "the bucket answered 404", "a proxy's, which knows nothing of objects")
	server.Fail(nil)
	_, err = backup.Write(ctx, e.DB, backup.Options{Path: t.TempDir(), Secret: k, Engine: "test", Now: time.Now})
	require.ErrorContains(t, err, "MEDIA_S3_BUCKET is not set")
	made, err := write()
	require.NoError(t, err)
	require.Equal(t, []string{"list 2.pdf"}, made.Missing)
	require.ErrorContains(t, made.Incomplete(), "without files of the media library that are not in the bucket (1): check MEDIA_S3_BUCKET")
	require.NoError(t, (&backup.Made{}).Incomplete())
	_, err = backup.Check(made.Path, made.Keys, k)
	require.NoError(t, err)

	copied := at(t, dbtest.EmptyURL(t))
	require.NoError(t, copied.restore(made.Path, made.Keys, secret.New(second)))
	server.Fail(buckettest.Away) // nobody asks it
	s = library(copied, false)
	for n, f := range map[int]*media.File{0: files[0], 1: files[1], 9: inside} {
		_, r, err := s.Open(ctx, f.Token)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, string(content(n)), string(got))
	}
	server.Fail(nil)
	require.NoError(t, s.Delete(ctx, files[0].ID))
	_, err = s.Sweep(ctx, 10)
	require.NoError(t, err)
	require.Len(t, server.Keys(), 2, "the original has its files still")
}
