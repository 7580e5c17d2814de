// Package buckettest is a server that speaks S3, for tests: it checks signatures as AWS describes them, keeps objects, and
// fails as it is told to.
package buckettest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"eventstream/server/bucket"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// What signs in, and the bucket that there is.
const (
	AccessKey = "AKIDEXAMPLE"
	SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" //nolint:gosec // AWS' own example
	Region    = "eu-central-1"
	Name      = "shop"
)

// Fault answers instead of the bucket; false: it does not.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Server is one with a bucket.
type Server struct {
	URL string

	t       testing.TB
	backend *s3mem.Backend

	mu     sync.Mutex
	fault  Fault
	served map[string]int // by method
}

// New starts one that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, backend: s3mem.New(), served: map[string]int{}}
	require.NoError(t, s.backend.CreateBucket(Name))
	fake := gofakes3.New(s.backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.served[r.Method]++
		s.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if why := refused(r, body); why != "" {
			Refuse(http.StatusForbidden, why)(w, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Bucket is what lies in it under a prefix.
func (s *Server) Bucket(prefix string) bucket.Bucket {
	u, err := url.Parse(s.URL)
	require.NoError(s.t, err)
	return bucket.Bucket{
		Endpoint: u, Region: Region, Bucket: Name, Prefix: prefix, AccessKey: AccessKey, SecretKey: SecretKey, Client: bucket.Client(),
	}
}

// Fail makes it fail from now on; nil ends that.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Served counts the calls of a method.
func (s *Server) Served(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[method]
}

// Keys are the names of all objects.
func (s *Server) Keys() (names []string) {
	prefix := gofakes3.NewPrefix(nil, nil)
	list, err := s.backend.ListBucket(Name, &prefix, gofakes3.ListBucketPage{})
	require.NoError(s.t, err)
	for _, o := range list.Contents {
		names = append(names, o.Key)
	}
	slices.Sort(names)
	return names
}

// Store keeps an object without asking who wants it.
func (s *Server) Store(name string, body io.Reader) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	_, err = s.backend.PutObject(Name, name, map[string]string{}, bytes.NewReader(content), int64(len(content)), nil)
	return err
}

// Refuse answers each call with a status and S3's word for it.
func Refuse(status int, code string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>not like this</Message></Error>")
		return true
	}
}

// Away cuts each connection.
func Away(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// Cut promises more than it sends.
func Cut(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "only so much")
	panic(http.ErrAbortHandler)
}

// Hang answers nothing until the caller gives up.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // without it net/http does not see the caller go
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// refused checks a call by AWS' description of Signature Version 4; "": it is right.
func refused(r *http.Request, body []byte) string {
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	if r.Header.Get("X-Amz-Content-Sha256") != payload {
		return "XAmzContentSHA256Mismatch"
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 15*time.Minute {
		return "RequestTimeTooSkewed"
	}
	if r.Header.Get("Authorization") != sign(r, at, payload) {
		return "SignatureDoesNotMatch"
	}
	return ""
}

func sign(r *http.Request, at time.Time, payload string) string {
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
	scope := day + "/" + Region + "/s3/aws4_request"
	hashed := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + at.Format("20060102T150405Z") + "\n" + scope + "\n" + hex.EncodeToString(hashed[:])
	key := []byte("AWS4" + SecretKey)
	for _, part := range []string{day, Region, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return "AWS4-HMAC-SHA256 Credential=" + AccessKey + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(key)
}
