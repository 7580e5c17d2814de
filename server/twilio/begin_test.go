package twilio

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"eventstream/server/message"

	"github.com/stretchr/testify/require"
)

// taking is a Twilio that accepts everything and counts the bytes that it reads.
type taking struct {
	*httptest.Server

	calls, bytes atomic.Int64
}

type countedConn struct {
	net.Conn

	bytes *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}

type countedListener struct {
	net.Listener

	bytes *atomic.Int64
}

func (l countedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c, l.bytes}, nil
}

func newTaking(t *testing.T) *taking {
	t.Helper()
	p := &taking{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		p.calls.Add(1)
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"sid":"SM00000000000000000000000000000000","status":"queued"}`))
	}))
	p.Listener = countedListener{p.Listener, &p.bytes}
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// TestNothingLeavesAfterANo: on a new connection and on one that was used before,
// for as long as the answer to the question takes.
func TestNothingLeavesAfterANo(t *testing.T) {
	t.Parallel()
	peer := newTaking(t)
	c := testClient(t, peer.URL)
	no := message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915100000001", Body: "Hello",
		Begin: func() bool { return false }}
	yes := no
	yes.Begin = func() bool { return true }
	for range 3 {
		before := peer.bytes.Load()
		_, err := c.Send(t.Context(), no)
		require.ErrorIs(t, err, message.ErrNotBegun)
		require.Equal(t, before, peer.bytes.Load(), "not one byte")
		calls := peer.calls.Load()
		got, err := c.Send(t.Context(), yes)
		require.NoError(t, err)
		require.NotEmpty(t, got.SID)
		require.Equal(t, calls+1, peer.calls.Load())
	}
}

// TestACallThatWasGivenUpDoesNotLeaveLater: its time is over while the question is
// being answered, and the answer is yes.
func TestACallThatWasGivenUpDoesNotLeaveLater(t *testing.T) {
	t.Parallel()
	peer := newTaking(t)
	c := testClient(t, peer.URL)
	ctx, cancel := context.WithCancel(t.Context())
	out := message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915100000001", Body: "Hello",
		Begin: func() bool {
			cancel()
			return true
		}}
	_, err := c.Send(ctx, out)
	require.ErrorIs(t, err, message.ErrNotBegun)
	out.Begin = nil
	_, err = c.Send(t.Context(), out)
	require.NoError(t, err)
	require.EqualValues(t, 1, peer.calls.Load())
}

// timedConn tells when the kernel has taken what was written.
type timedConn struct {
	net.Conn

	written func()
}

func (c timedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written()
	return n, err
}

// TestTheWindowBeforeTheFirstByte measures what no check can close: from the last
// one's yes until the kernel has the request. It shows the figure and asserts only
// that the request does come after the yes.
func TestTheWindowBeforeTheFirstByte(t *testing.T) {
	t.Parallel()
	peer := newTaking(t)
	c := testClient(t, peer.URL)
	var mu sync.Mutex
	var yes time.Time
	var windows []time.Duration
	transport := newTransport()
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return timedConn{conn, func() {
			mu.Lock()
			defer mu.Unlock()
			windows = append(windows, time.Since(yes))
		}}, err
	}
	c.transport = transport
	const calls = 1000
	for range calls {
		_, err := c.Send(t.Context(), message.Outgoing{MessageID: 1, From: "+14155238886", To: "+4915100000001",
			Body: "Hello", Begin: func() bool {
				mu.Lock()
				defer mu.Unlock()
				yes = time.Now()
				return true
			}})
		require.NoError(t, err)
	}
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, windows, calls, "one write for each")
	slices.Sort(windows)
	t.Logf("from the last check until the request is written: p50 %s, p99 %s, longest %s, of %d calls",
		windows[calls/2], windows[calls*99/100], windows[calls-1], calls)
}
