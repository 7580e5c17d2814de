package guard_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

// endless is a body that goes on as long as it is read, and counts that.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

func TestStrangersSendLittleAndNoFiles(t *testing.T) {
	t.Parallel()
	member := actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleViewer}
	for name, c := range map[string]struct {
		who         actor.Actor
		kind        string
		length      int64 // -1: chunked
		want, reads int   // 0: nothing
	}{
		"a file of 1 GiB":              {kind: "multipart/form-data; boundary=x", length: 1 << 30, want: http.StatusUnauthorized},
		"a file without an end":        {kind: "multipart/form-data; boundary=x", length: -1, want: http.StatusUnauthorized},
		"capital letters":              {kind: "Multipart/Form-Data; boundary=x", length: -1, want: http.StatusUnauthorized},
		"a form":                       {kind: "application/x-www-form-urlencoded", length: -1, want: http.StatusUnauthorized},
		"no type":                      {length: -1, want: http.StatusUnauthorized},
		"a type that is none":          {kind: "multipart/form-data; boundary", length: -1, want: http.StatusUnauthorized},
		"JSON of 1 GiB":                {kind: "application/json", length: 1 << 30, want: http.StatusRequestEntityTooLarge},
		"JSON without an end":          {kind: "application/json", length: -1, want: http.StatusRequestEntityTooLarge, reads: guard.StrangersBody * 2},
		"a member's JSON of 1 GiB":     {who: member, kind: "application/json", length: 1 << 30, want: http.StatusRequestEntityTooLarge},
		"a member's without an end":    {who: member, kind: "application/json", length: -1, want: http.StatusRequestEntityTooLarge, reads: guard.MembersBody * 2},
		"a member's of no type":        {who: member, length: -1, want: http.StatusRequestEntityTooLarge, reads: guard.MembersBody * 2},
		"a member's file, left unread": {who: member, kind: "multipart/form-data; boundary=x", length: 1 << 30, want: http.StatusTeapot},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := new(endless)
			r := httptest.NewRequest(http.MethodPost, "/graphql", body)
			r.ContentLength = c.length
			r.Header.Set("Content-Type", c.kind)
			if c.who.Kind != "" {
				r = r.WithContext(actor.With(r.Context(), c.who))
			}
			w := httptest.NewRecorder()
			guard.Bodies(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })).ServeHTTP(w, r)
			require.Equal(t, c.want, w.Code)
			require.LessOrEqual(t, body.read, c.reads)
			if c.want != http.StatusTeapot {
				require.Contains(t, w.Body.String(), `"errors"`)
				require.Equal(t, "close", w.Header().Get("Connection"))
			}
		})
	}
}

func TestABodyWithinItsLimitArrivesWhole(t *testing.T) {
	t.Parallel()
	for size, who := range map[int]actor.Actor{0: {}, 1: {}, guard.StrangersBody: {}, guard.MembersBody: {Kind: actor.KindAPIToken}} {
		body := strings.Repeat("x", size)
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		var got []byte
		guard.Bodies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) })).
			ServeHTTP(httptest.NewRecorder(), r.WithContext(actor.With(r.Context(), who)))
		require.Equal(t, size, len(got))
	}
}

// serve gives the address of a server with a pace.
func serve(t *testing.T, p guard.Pace, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(p.Handler(h))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func dial(t *testing.T, address, head string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, head)
	require.NoError(t, err)
	return conn
}

const patient = time.Hour // longer than any test

// TestSlowBodiesEnd: one that stops, and one that drips for ever.
func TestSlowBodiesEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pace guard.Pace
		drip bool
	}{
		"silent":   {guard.Pace{Silence: 50 * time.Millisecond, Grace: patient, Rate: 1, Answer: patient}, false},
		"dripping": {guard.Pace{Silence: patient, Grace: 50 * time.Millisecond, Rate: 1 << 30, Answer: patient}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			address := serve(t, c.pace, func(w http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
				guard.Refuse(w, http.StatusRequestTimeout, "TIMEOUT", "too slow")
			})
			conn := dial(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
			if c.drip {
				go func() {
					for {
						if _, err := conn.Write([]byte("x")); err != nil {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
		})
	}
}

// TestARefusalDoesNotWaitForTheBody, and neither does the connection, of whatever length it claims to be.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	for _, length := range []string{"Content-Length: 1000000000", "Content-Length: 100", "Transfer-Encoding: chunked"} {
		pace := guard.Pace{Silence: patient, Grace: patient, Rate: 1, Answer: patient}
		address := serve(t, pace, func(w http.ResponseWriter, _ *http.Request) {
			guard.Refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "no")
		})
		conn := dial(t, address, "POST / HTTP/1.1\r\nHost: x\r\n"+length+"\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, length)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF, "the server closes the connection")
	}
	pace := guard.Pace{Silence: 50 * time.Millisecond, Grace: patient, Rate: 1, Answer: patient}
	address := serve(t, pace, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }) // knows nothing of bodies
	conn := dial(t, address, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	_, err := io.ReadAll(conn)
	require.NoError(t, err, "it ends")
}

// TestAServerThatIsSlowItselfEndsNobody: neither between two reads, nor after the last.
func TestAServerThatIsSlowItselfEndsNobody(t *testing.T) {
	t.Parallel()
	const grace = 300 * time.Millisecond
	address := serve(t, guard.Pace{Silence: patient, Grace: grace, Rate: 1 << 30, Answer: patient}, func(w http.ResponseWriter, r *http.Request) {
		one := make([]byte, 1)
		if _, err := io.ReadFull(r.Body, one); err != nil {
			panic(err)
		}
		time.Sleep(2 * grace)
		rest, err := io.ReadAll(r.Body)
		time.Sleep(2 * grace)
		_, _ = fmt.Fprint(w, len(rest), err, r.Context().Err())
	})
	for range 2 { // on one connection
		resp, err := http.Post("http://"+address, "text/plain", strings.NewReader(strings.Repeat("x", 100)))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, "99 <nil> <nil>", string(body))
	}
}

// TestWhoDoesNotReadTheAnswerIsLeft.
func TestWhoDoesNotReadTheAnswerIsLeft(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	address := serve(t, guard.Pace{Silence: patient, Grace: patient, Rate: 1, Answer: 100 * time.Millisecond}, func(w http.ResponseWriter, _ *http.Request) {
		part := make([]byte, 1<<20)
		for {
			if _, err := w.Write(part); err != nil {
				ended <- err
				return
			}
		}
	})
	dial(t, address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
}
