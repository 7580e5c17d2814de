package archive_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"eventstream/server/archive"
	"eventstream/server/bucket/buckettest"

	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func TestABucketTakesWhatIsSigned(t *testing.T) {
	t.Parallel()
	server := buckettest.New(t)
	sink := archive.Bucket{Bucket: server.Bucket("a b/")}
	require.NoError(t, sink.Put(context.Background(), "checkpoint-1.txt", []byte("signed\n")))
	require.Equal(t, []string{"a b/checkpoint-1.txt"}, server.Keys())
	sink.SecretKey = "wrong"
	require.ErrorContains(t, sink.Put(context.Background(), "x", nil), "SignatureDoesNotMatch")
	require.NotContains(t, sink.Name(), "wrong")
}

func TestAURLTakesFiles(t *testing.T) {
	t.Parallel()
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		got = append(got, strings.Join([]string{r.Method, r.URL.RequestURI(), user, password, string(body)}, " "))
	}))
	defer server.Close()
	put := func(raw string) error {
		u := parse(t, strings.Replace(server.URL, "http://", "http://ada:secret@", 1)+raw)
		sink := archive.Remote{URL: u, Client: archive.Client()}
		require.NotContains(t, sink.Name(), "secret")
		return sink.Put(context.Background(), "c.txt", []byte("text"))
	}
	require.NoError(t, put("/dir/?token=secret"))
	require.NoError(t, put("/hook?token=secret"))
	require.Equal(t, []string{"PUT /dir/c.txt?token=secret ada secret text", "POST /hook?token=secret ada secret text"}, got)
	require.ErrorContains(t, put("/moved"), "307", "what was meant for one address goes to no other")
	server.Close()
	err := put("/dir/?token=secret")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret", "errors are logged and shown")
}

func TestADirectoryKeepsFilesWhole(t *testing.T) {
	t.Parallel()
	d := archive.Directory{Path: t.TempDir() + "/new/dir"}
	files, err := d.ReadAll(context.Background())
	require.NoError(t, err)
	require.Empty(t, files, "it need not be there yet")
	require.NoError(t, d.Put(context.Background(), "a.txt", []byte("one")))
	require.NoError(t, d.Put(context.Background(), "a.txt", []byte("one")), "again does no harm")
	require.ErrorContains(t, d.Put(context.Background(), "a.txt", []byte("two")), "other content")
	require.NoError(t, d.Put(context.Background(), "../b.txt", []byte("two")))
	files, err = d.ReadAll(context.Background())
	require.NoError(t, err)
	require.Equal(t, map[string][]byte{"a.txt": []byte("one"), "b.txt": []byte("two")}, files)
	left, err := os.ReadDir(d.Path)
	require.NoError(t, err)
	require.Len(t, left, 2, "nothing half-written stays")
}
