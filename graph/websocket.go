package graph

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/gorilla/websocket"

	"eventstream/server/say"
)

// gorillaSockets serves gqlgen's WebSocket transport with gorilla/websocket.
// gorilla's own CheckOrigin (nil) keeps the same-origin rule.
type gorillaSockets struct{}

// Accept implements transport.WebsocketImplementation.
func (gorillaSockets) Accept(w http.ResponseWriter, r *http.Request,
	o transport.WebsocketAcceptOptions,
) (transport.WebsocketConn, error) {
	up := websocket.Upgrader{
		Subprotocols: o.Subprotocols, HandshakeTimeout: 10 * time.Second, ReadBufferSize: 4096,
		WriteBufferSize: 4096,
	}
	conn, err := up.Upgrade(w, r, o.ResponseHeader)
	if err != nil {
		return nil, err
	}
	return &gorillaConn{Conn: conn}, nil
}

// gorillaConn serialises writes, as gorilla wants it.
type gorillaConn struct {
	*websocket.Conn
	write sync.Mutex
}

const writeWait = 10 * time.Second

// NextReader tells a normal close apart from a broken connection.
func (c *gorillaConn) NextReader() (int, io.Reader, error) {
	kind, r, err := c.Conn.NextReader()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway,
		websocket.CloseNoStatusReceived) || errors.Is(err, io.EOF) {
		err = transport.ErrWebsocketClosed
	}
	return kind, r, err
}

// WriteJSON writes one message, or gives up on a peer that does not read.
func (c *gorillaConn) WriteJSON(v any) error {
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.SetWriteDeadline(time.Now().Add(writeWait))
	return c.Conn.WriteJSON(v)
}

// WriteClose says why the connection ends.
func (c *gorillaConn) WriteClose(code int, text string) error {
	return c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(writeWait))
}

// readerOfSocket keeps who reads: browsers cannot set the headers of a WebSocket, so that
// the payload of connection_init has them.
func readerOfSocket(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
	if languages := payload.GetString(say.LanguageHeader); languages != "" {
		ctx = say.With(ctx, say.ReaderOf(languages, payload.GetString(say.ZoneHeader)))
	}
	return ctx, nil, nil
}
