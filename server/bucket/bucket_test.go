package bucket_test

import (
	"context"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"eventstream/server/bucket/buckettest"

	"github.com/stretchr/testify/require"
)

func TestObjectsComeAndGo(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t)
	b, ctx := s.Bucket("a b/"), t.Context()
	require.NoError(t, b.Put(ctx, "one", "image/png", []byte("content")))
	require.Equal(t, []string{"a b/one"}, s.Keys())
	got, err := b.Get(ctx, "one", 7)
	require.NoError(t, err)
	require.Equal(t, "content", string(got))
	_, err = b.Get(ctx, "one", 6)
	require.ErrorContains(t, err, "more than 6 bytes")
	_, err = b.Get(ctx, "two", 10)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for name, there := range map[string]bool{"one": true, "two": false} {
		has, err := b.Has(ctx, name)
		require.NoError(t, err)
		require.Equal(t, there, has, name)
	}
	require.NoError(t, b.Delete(ctx, "one"))
	require.NoError(t, b.Delete(ctx, "one"), "again does no harm")
	require.Empty(t, s.Keys())

	b.Bucket = "none"
	_, err = b.Get(ctx, "one", 10)
	require.ErrorContains(t, err, "NoSuchBucket")
	require.NotErrorIs(t, err, fs.ErrNotExist, "a bucket that is missing is no file that is missing")
	b = s.Bucket("")
	b.SecretKey = "a wrong secret"
	_, err = b.Has(ctx, "x")
	require.ErrorContains(t, err, "403")
	err = b.Put(ctx, "x", "", nil)
	require.ErrorContains(t, err, "403 SignatureDoesNotMatch")
	require.NotContains(t, err.Error(), "wrong secret")
}

func TestWhatABucketDoesWrongIsNamed(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t)
	b, ctx := s.Bucket(""), t.Context()
	require.NoError(t, b.Put(ctx, "one", "", []byte("content")))
	for name, c := range map[string]struct {
		fault buckettest.Fault
		want  string
		calls int
	}{
		"refused": {buckettest.Refuse(http.StatusForbidden, "AccessDenied"), "the bucket answered 403 AccessDenied not like this", 1},
		"broken":  {buckettest.Refuse(http.StatusServiceUnavailable, "SlowDown"), "the bucket answered 503 SlowDown not like this", 2},
		"away":    {buckettest.Away, "the bucket's answer was cut off", 2},
		"cut":     {buckettest.Cut, "the bucket's answer was cut off", 2},
		"no XML": {func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "<html>\n\xff nginx", http.StatusBadGateway)
			return true
		}, "the bucket answered 502 <html> nginx", 2},
		"a proxy's 404": {
			func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true },
			"the bucket answered 404 404 page not found", 1,
		},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return true
		}, "the bucket answered 307", 1},
	} {
		s.Fail(c.fault)
		before := s.Served(http.MethodGet)
		_, err := b.Get(ctx, "one", 10)
		require.ErrorContains(t, err, c.want, name)
		require.NotErrorIs(t, err, fs.ErrNotExist, name)
		if name != "away" && name != "cut" { // Go itself asks once more where a connection is cut at once
			require.Equal(t, c.calls, s.Served(http.MethodGet)-before, name)
		}
	}
	s.Fail(buckettest.Hang)
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_, err := b.Get(short, "one", 10)
	require.ErrorContains(t, err, "does not answer in time")
	s.Fail(nil)
	failing := 1
	s.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		failing--
		return failing >= 0 && buckettest.Refuse(http.StatusInternalServerError, "InternalError")(w, r)
	})
	got, err := b.Get(ctx, "one", 10)
	require.NoError(t, err, "once is nothing")
	require.Equal(t, "content", string(got))
	b.Endpoint.Host = "127.0.0.1:1"
	_, err = b.Get(ctx, "one", 10)
	require.ErrorContains(t, err, "the bucket does not answer: ")
}
