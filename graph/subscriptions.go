package graph

import (
	"context"
	"sync"
	"time"

	"eventstream/graph/model"
	"eventstream/server/apperr"
	"eventstream/server/conversation"
	"eventstream/server/db"
	"eventstream/server/pubsub"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	campaignPace  = 150 * time.Millisecond // between two states of one campaign
	dashboardPace = time.Second
	healthPace    = 5 * time.Second
	inboxPace     = time.Second
	eventsPerTick = 50
)

// follow sends the state of one thing now and whenever the topic names it,
// until ctx ends or last says that nothing more will come.
func follow[T any](ctx context.Context, wake <-chan []int64, id int64, pace time.Duration,
	state func(context.Context) (T, error), last func(T) bool,
) (<-chan T, error) {
	first, err := state(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan T, 1)
	go func() {
		defer close(out)
		v := first
		for {
			select {
			case out <- v:
			case <-ctx.Done():
				return
			}
			if last != nil && last(v) {
				return
			}
			if !pause(ctx, pace) || !await(ctx, wake, id) {
				return
			}
			if v, err = state(ctx); err != nil {
				endBy(ctx, err)
				return
			}
		}
	}()
	return out, nil
}

// ending is the error by which a subscription ended. gqlgen reads its own list of
// them without a lock when the client goes, so only the goroutine that reads it
// may write there: the streams leave their error here.
type ending struct {
	mu  sync.Mutex
	err error
}

type endingKey struct{}

func endBy(ctx context.Context, err error) {
	if e, ok := ctx.Value(endingKey{}).(*ending); ok && ctx.Err() == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.err = err
	}
}

// tellEnding hands an operation's ending over once its last response is out.
func tellEnding(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	e := &ending{}
	respond := next(context.WithValue(ctx, endingKey{}, e))
	return func(ctx context.Context) *graphql.Response {
		response := respond(ctx)
		if response == nil {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.err != nil {
				transport.AddSubscriptionError(ctx, subscriptionError(say.From(ctx), e.err))
			}
		}
		return response
	}
}

func subscriptionError(to say.Reader, err error) *gqlerror.Error {
	if e, ok := err.(*apperr.Error); ok { //nolint:errorlint // only our own, unwrapped
		return &gqlerror.Error{Message: to.Say(e.Message)}
	}
	return &gqlerror.Error{Message: "internal error"}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// await waits until the topic names id (0: anything), or says that something
// may have been missed.
func await(ctx context.Context, wake <-chan []int64, id int64) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case ids, open := <-wake:
			if !open {
				return false
			}
			if ids == nil || id == 0 {
				return true
			}
			for _, n := range ids {
				if n == id {
					return true
				}
			}
		}
	}
}

// merged joins several topics into one that says "something happened".
func merged(ctx context.Context, topics ...<-chan []int64) <-chan []int64 {
	out := make(chan []int64, 1)
	for _, t := range topics {
		go func() {
			for range t {
				select {
				case out <- nil:
				case <-ctx.Done():
				default: // one is waiting already
				}
			}
		}()
	}
	return out
}

// conversationsUpdated sends one conversation now and whenever it changes, or all
// that change. Who asks for all gets the newest first, and again when events may
// have been missed: what was read a moment before is then known to be old.
func (r *Resolver) conversationsUpdated(ctx context.Context, id *string) (<-chan *model.Conversation, error) {
	n, err := optional("id", kindConversation, id)
	if err != nil {
		return nil, err
	}
	wake := r.Hub.Subscribe(ctx, pubsub.TopicConversation)
	if n != nil {
		return follow(ctx, wake, *n, campaignPace, func(ctx context.Context) (*model.Conversation, error) {
			c, err := r.Conversations.ByID(ctx, *n)
			return r.toConversation(c), err
		}, nil)
	}
	find := func(ctx context.Context, ids []int64) ([]*model.Conversation, error) {
		if len(ids) > 0 {
			rows, err := r.Conversations.ByIDs(ctx, ids)
			return mapped(rows, r.toConversation), err
		}
		one := 1
		newest, err := r.Conversations.List(ctx, conversation.Filter{}, db.Page{First: &one})
		return mapped(newest.Items, r.toConversation), err
	}
	first, err := find(ctx, nil)
	if err != nil {
		return nil, err
	}
	return stream(ctx, wake, first, find), nil
}

// stream sends first, and then what the topic names as it comes, the newest when
// there is more than a screen can show. find gets no ids when events may have
// been missed.
func stream[T any](ctx context.Context, wake <-chan []int64, first []T,
	find func(context.Context, []int64) ([]T, error),
) <-chan T {
	out := make(chan T, eventsPerTick)
	go func() {
		defer close(out)
		rows := first
		for {
			for _, r := range rows[max(0, len(rows)-eventsPerTick):] {
				select {
				case out <- r:
				case <-ctx.Done():
					return
				}
			}
			ids, open := <-wake
			if !open {
				return
			}
			var err error
			if rows, err = find(ctx, ids); err != nil {
				endBy(ctx, err)
				return
			}
		}
	}()
	return out
}
