package guard_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/guard"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// lounge serves sockets that stay open, to whoever the headers name.
func lounge(t *testing.T, limits guard.SocketLimits) (s *guard.Sockets, open func(from, who string) (*websocket.Conn, *http.Response, error)) {
	t.Helper()
	s = guard.NewSockets(limits)
	sit := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var up websocket.Upgrader
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}))
	believed := guard.Proxies{netip.MustParsePrefix("127.0.0.0/8")}.Identify(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, err := strconv.ParseInt(r.Header.Get("Who"), 10, 64); err == nil {
			r = r.WithContext(actor.With(r.Context(), actor.Actor{Kind: actor.KindOperator, ID: id}))
		}
		sit.ServeHTTP(w, r)
	}))
	server := httptest.NewServer(believed)
	t.Cleanup(server.Close)
	return s, func(from, who string) (*websocket.Conn, *http.Response, error) {
		conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http"),
			http.Header{"X-Forwarded-For": {from}, "Who": {who}})
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		return conn, resp, err
	}
}

func TestStrangersOpenFewSockets(t *testing.T) {
	t.Parallel()
	s, open := lounge(t, guard.SocketLimits{Stranger: 2, Strangers: 3, Address: 10, Actor: 10})
	first, _, err := open("2001:db8::1", "")
	require.NoError(t, err)
	_, _, err = open("2001:db8::2", "")
	require.NoError(t, err)
	refused := func(from string) {
		t.Helper()
		_, resp, err := open(from, "")
		require.Error(t, err)
		require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
		require.NotEmpty(t, resp.Header.Get("Retry-After"))
	}
	refused("2001:db8::3") // the same /64
	_, _, err = open("2001:db8:0:1::1", "")
	require.NoError(t, err)
	refused("203.0.113.5") // all strangers together
	_, _, err = open("2001:db8::1", "7")
	require.NoError(t, err, "somebody signed in at the same address")
	require.NoError(t, first.Close())
	require.Eventually(t, func() bool { _, _, err := open("203.0.113.5", ""); return err == nil }, time.Minute, 10*time.Millisecond)
	require.Positive(t, s.Open())
}

func TestAnOperatorWithTooManySocketsIsToldSo(t *testing.T) {
	t.Parallel()
	s, open := lounge(t, guard.SocketLimits{Stranger: 1, Strangers: 1, Address: 3, Actor: 2})
	var sockets []*websocket.Conn
	for range 2 {
		conn, _, err := open("203.0.113.5", "7")
		require.NoError(t, err)
		sockets = append(sockets, conn)
	}
	told := func(from, who, text string) {
		t.Helper()
		conn, _, err := open(from, who)
		require.NoError(t, err)
		_, _, err = conn.ReadMessage()
		require.True(t, websocket.IsCloseError(err, websocket.CloseTryAgainLater), "%v", err)
		require.ErrorContains(t, err, text)
	}
	told("203.0.113.5", "7", "2 WebSockets of this operator are open")
	told("203.0.113.6", "7", "2 WebSockets of this operator are open")
	_, _, err := open("203.0.113.5", "8")
	require.NoError(t, err)
	told("203.0.113.5", "9", "3 WebSockets from this address are open")
	for _, conn := range sockets {
		require.NoError(t, conn.Close())
	}
	require.Eventually(t, func() bool { return s.Open() == 2 }, time.Minute, 10*time.Millisecond, "nothing is left of who went")
}
