package guard

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"eventstream/server/actor"

	"github.com/gorilla/websocket"
)

// SocketLimits say how many WebSockets stand open at once in this process.
type SocketLimits struct {
	Stranger  int // signed out, from one address: it is good for nothing but a look at what must be signed in for
	Strangers int // signed out, in all
	Address   int // from one address: an office behind one
	Actor     int // of one operator or token
}

// DefaultSocketLimits leave room for many tabs.
var DefaultSocketLimits = SocketLimits{Stranger: 4, Strangers: 64, Address: 200, Actor: 30}

// Sockets counts open WebSockets.
type Sockets struct {
	limits SocketLimits

	mu   sync.Mutex
	open map[string]int
}

// NewSockets makes the counter.
func NewSockets(limits SocketLimits) *Sockets {
	return &Sockets{limits: limits, open: map[string]int{}}
}

// claim is a count that a socket raises.
type claim struct {
	key, whose string
	limit      int
}

// take raises all counts, or none and names the one that is full.
func (s *Sockets) take(claims []claim) (full *claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range claims {
		if s.open[c.key] >= c.limit {
			return &claims[i]
		}
	}
	for _, c := range claims {
		s.open[c.key]++
	}
	return nil
}

func (s *Sockets) release(claims []claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range claims {
		if s.open[c.key]--; s.open[c.key] <= 0 {
			delete(s.open, c.key)
		}
	}
}

// Open is how many counts stand above zero, for tests.
func (s *Sockets) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Handler counts a WebSocket for as long as next serves it. One too many of somebody signed in is opened and closed
// with 1013 (try again later) and the reason, which a page can read, and graphql-ws tries again; of a stranger it is
// refused with 429 before it is opened.
func (s *Sockets) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !websocket.IsWebSocketUpgrade(r) {
			next.ServeHTTP(w, r)
			return
		}
		who, address := actor.From(r.Context()), Key(ClientOf(r.Context()))
		claims := []claim{{"address " + address, "from this address", s.limits.Address}}
		if who.Kind == "" {
			claims = append(claims, claim{"stranger " + address, "from this address, signed out", s.limits.Stranger},
				claim{"strangers", "signed out", s.limits.Strangers})
		} else {
			claims = append(claims, claim{fmt.Sprintf("%s %d", who.Kind, who.ID), "of this " + whose(who.Kind), s.limits.Actor})
		}
		full := s.take(claims)
		if full == nil {
			defer s.release(claims)
			next.ServeHTTP(w, r)
			return
		}
		text := fmt.Sprintf("%d WebSockets %s are open: close one first", full.limit, full.whose)
		if who.Kind == "" {
			w.Header().Set("Retry-After", "60")
			Refuse(w, http.StatusTooManyRequests, "RATE_LIMITED", text)
			return
		}
		closeWith(w, r, text)
	})
}

func whose(kind actor.Kind) string {
	if kind == actor.KindAPIToken {
		return "token"
	}
	return "operator"
}

func closeWith(w http.ResponseWriter, r *http.Request, text string) {
	up := websocket.Upgrader{HandshakeTimeout: 5 * time.Second, Subprotocols: websocket.Subprotocols(r)}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // answered
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseTryAgainLater, text),
		time.Now().Add(5*time.Second))
	_ = conn.Close()
}
