package archive_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/archive"

	"github.com/stretchr/testify/require"
)

const accessKey, secretKey, region = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-central-1"

// bucket is a server that speaks as much of S3 as is needed to take an object, and checks
// the signature itself, by AWS' description of Signature Version 4.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	refuse := func(why string) { http.Error(w, "<Code>"+why+"</Code>", http.StatusForbidden) }
	sum := sha256.Sum256(body)
	if r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) {
		refuse("XAmzContentSHA256Mismatch")
		return
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 15*time.Minute {
		refuse("RequestTimeTooSkewed")
		return
	}
	if r.Header.Get("Authorization") != b.sign(r, at, hex.EncodeToString(sum[:])) {
		refuse("SignatureDoesNotMatch")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[r.URL.Path] = string(body)
}

func (b *bucket) sign(r *http.Request, at time.Time, payload string) string {
	given := r.Header.Get("Authorization")
	_, after, _ := strings.Cut(given, "SignedHeaders=")
	names, _, _ := strings.Cut(after, ",")
	list := strings.Split(names, ";")
	for _, must := range []string{"host", "x-amz-content-sha256", "x-amz-date"} {
		if !slices.Contains(list, must) {
			return "unsigned " + must
		}
	}
	var headers strings.Builder
	for _, name := range list {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
			if value == "" {
				value = strconv.FormatInt(r.ContentLength, 10)
			}
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), "", headers.String(), names, payload}, "\n")
	day := at.Format("20060102")
	scope := day + "/" + region + "/s3/aws4_request"
	hashed := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + at.Format("20060102T150405Z") + "\n" + scope + "\n" + hex.EncodeToString(hashed[:])
	key := []byte("AWS4" + secretKey)
	for _, part := range []string{day, region, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return "AWS4-HMAC-SHA256 Credential=" + accessKey + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(key)
}

func parse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func TestABucketTakesWhatIsSigned(t *testing.T) {
	t.Parallel()
	b := &bucket{objects: map[string]string{}}
	server := httptest.NewServer(b)
	defer server.Close()
	sink := archive.Bucket{
		Endpoint: parse(t, server.URL), Region: region, Bucket: "proof", Prefix: "a b/", AccessKey: accessKey, SecretKey: secretKey,
		Client: archive.Client(),
	}
	require.NoError(t, sink.Put(context.Background(), "checkpoint-1.txt", []byte("signed\n")))
	require.Equal(t, map[string]string{"/proof/a b/checkpoint-1.txt": "signed\n"}, b.objects)
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
