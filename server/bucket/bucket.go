// Package bucket keeps objects in a bucket that speaks S3, at AWS or elsewhere. What it asks for is small: three calls, each
// bounded in time and signed by AWS' own module, instead of a client for all of S3.
package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"eventstream/server/pause"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	connectLimit = 5 * time.Second
	answerLimit  = 15 * time.Second // until the first byte of an answer
	callLimit    = 45 * time.Second // of a call as a whole, whatever its object's size
	tries        = 2
	againAfter   = 250 * time.Millisecond
	maxRefusal   = 4 << 10 // bytes of an answer that refuses
)

// Bucket is one, or what lies under a prefix of it.
type Bucket struct {
	Endpoint  *url.URL // such as https://s3.eu-central-1.amazonaws.com or http://minio:9000
	Region    string
	Bucket    string
	Prefix    string // "" or with a slash at its end
	AccessKey string
	SecretKey string
	Client    *http.Client
}

// Client is one that gives up in time, and never follows a redirect: what is signed for one address is not sent to another.
func Client() *http.Client {
	return &http.Client{
		Timeout: callLimit,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: connectLimit, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: connectLimit, ResponseHeaderTimeout: answerLimit,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: 50 * time.Second, Proxy: http.ProxyFromEnvironment,
			DisableCompression: true, // objects come as they lie there
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Name is for people.
func (b Bucket) Name() string { return "s3://" + b.Bucket + "/" + b.Prefix }

// Put writes an object. The bucket refuses content that has changed on the way: its hash is signed.
func (b Bucket) Put(ctx context.Context, name, contentType string, content []byte) error {
	_, err := b.call(ctx, http.MethodPut, name, contentType, content, 0)
	return err
}

// Get reads an object of at most so many bytes. One that is not there is fs.ErrNotExist.
func (b Bucket) Get(ctx context.Context, name string, most int64) ([]byte, error) {
	return b.call(ctx, http.MethodGet, name, "", nil, most)
}

// Has tells whether an object is there. Its answer has no body that could tell an object that is missing from a bucket that is:
// take it for a warning, and for no proof.
func (b Bucket) Has(ctx context.Context, name string) (bool, error) {
	_, err := b.call(ctx, http.MethodHead, name, "", nil, 0)
	if refused, answered := errors.AsType[*RefusedError](err); answered && refused.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// Delete takes an object away; one that is not there is no error.
func (b Bucket) Delete(ctx context.Context, name string) error {
	_, err := b.call(ctx, http.MethodDelete, name, "", nil, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RefusedError is an answer of the bucket that is no success.
type RefusedError struct {
	Status int
	Code   string // of S3, such as AccessDenied; "" where it said none
	Text   string
}

func (r *RefusedError) Error() string {
	said := strings.TrimSpace(r.Code + " " + r.Text)
	return strings.TrimSpace(fmt.Sprintf("the bucket answered %d %s", r.Status, said))
}

// Is makes an object that is missing fs.ErrNotExist, when S3 itself says so: a 404 of a proxy, or of a bucket that is missing,
// tells nothing about the object.
func (r *RefusedError) Is(target error) bool {
	return target == fs.ErrNotExist && r.Status == http.StatusNotFound && r.Code == "NoSuchKey"
}

// call makes one call, and once more where nothing speaks against it: all of them may be repeated.
func (b Bucket) call(ctx context.Context, method, name, contentType string, content []byte, most int64) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	for try := 1; ; try++ {
		answer, err = b.try(ctx, method, name, contentType, content, most)
		refused, answered := errors.AsType[*RefusedError](err)
		passes := err != nil && (!answered || refused.Status >= 500 || refused.Status == http.StatusTooManyRequests)
		if !passes || try == tries || pause.For(ctx, againAfter) != nil {
			return answer, err
		}
	}
}

func (b Bucket) try(ctx context.Context, method, name, contentType string, content []byte, most int64) ([]byte, error) {
	// Addressed by path, which every kind of server understands.
	target := b.Endpoint.JoinPath(b.Bucket, b.Prefix+name)
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(content))
	if err != nil {
		return nil, errors.New("the bucket's address cannot be called")
	}
	sum := sha256.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // as S3 does
	credentials := aws.Credentials{AccessKeyID: b.AccessKey, SecretAccessKey: b.SecretKey}
	if err := signer.SignHTTP(ctx, credentials, req, hash, "s3", b.Region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	resp, err := b.Client.Do(req)
	if err != nil {
		return nil, unreached(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, refusal(resp)
	}
	if method != http.MethodGet {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxRefusal)) // so that the connection is used again
		return nil, nil
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, unreached(err)
	case int64(len(answer)) > most:
		return nil, fmt.Errorf("the object has more than %d bytes", most)
	}
	return answer, nil
}

// unreached tells why there is no answer, without the address, which may hold secrets.
func unreached(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), ok && timeout.Timeout():
		return errors.New("the bucket does not answer in time")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the bucket's answer was cut off")
	}
	return fmt.Errorf("the bucket does not answer: %w", err)
}

func refusal(resp *http.Response) *RefusedError {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	r := &RefusedError{Status: resp.StatusCode}
	var said struct{ Code, Message string }
	if xml.Unmarshal(raw, &said) == nil && said.Code != "" {
		r.Code, r.Text = said.Code, said.Message
		return r
	}
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(raw), "")), " ")
	r.Text = text[:min(len(text), 300)]
	return r
}
