package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"eventstream/graph/generated"
	"eventstream/server/apperr"
	"eventstream/server/guard"
	"eventstream/server/importer"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxBody bounds the JSON of one request.
const maxBody = guard.MembersBody

// Options switch the handler's parts.
type Options struct {
	Documents     TrustedDocuments
	Introspection bool // those who are signed in may read the schema
}

// NewHandler makes the whole of /graphql but for who calls: see Authenticate.
func NewHandler(s Services, o Options) http.Handler {
	cfg := generated.Config{Resolvers: &Resolver{s}}
	cfg.Directives.HasRole = hasRole
	cfg.Directives.Public = public
	schema := generated.NewExecutableSchema(cfg)
	srv := handler.New(schema)
	readLimit := int64(64 << 10)
	srv.AddTransport(transport.Websocket{
		InitFunc:         readerOfSocket,
		InitTimeout:      5 * time.Second,
		PingPongInterval: 15 * time.Second,
		PayloadReadLimit: &readLimit,
		Implementation:   gorillaSockets{},
	})
	files := uploads{
		schema: schema.Schema(), documents: o.Documents, limits: guard.NewUploads(guard.DefaultUploadLimits, time.Now),
		maxFile: importer.MaxFile,
	}
	srv.AddTransport(files)
	srv.AddTransport(transport.POST{})
	cache := newDocumentCache(maxCache)
	srv.SetQueryCache(cache)
	srv.SetParserTokenLimit(maxTokens)
	srv.Use(o.Documents)
	meter := newMeter(time.Now)
	srv.Use(&documents{cache: cache, meter: meter})
	srv.Use(schemaReaders{allowed: o.Introspection}) // strangers hear that first, whatever it would cost
	srv.Use(&costLimit{meter: meter})
	srv.Use(&arguments{})
	present := presentError(s.Log)
	srv.SetErrorPresenter(present)
	srv.SetRecoverFunc(recoverPanic(s.Log))
	srv.AroundOperations(identifyAnew(s.Auth.Identify, present))
	srv.AroundOperations(tellEnding)
	srv.AroundOperations(limitSocket)
	srv.AroundResponses(meter.tell)
	srv.AroundResponses(endInTime)
	srv.AroundResponses(injectLoaders(s))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && !files.Supports(r) {
			body, err := readBody(w, r)
			if err != nil {
				refuseRequest(w, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		srv.ServeHTTP(w, r)
	})
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, apperr.Invalid("", "the request takes more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, apperr.Invalid("", "the request broke off")
	}
	return body, readable(body)
}

// refuseRequest answers what never became an operation.
func refuseRequest(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(graphql.Response{Errors: gqlerror.List{refused("INVALID", "%s", say.From(r.Context()).Say(apperr.Text(err)))}})
}

func recoverPanic(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, panicked any) error {
		log.ErrorContext(ctx, "graphql panicked", "panic", panicked, "trace", string(debug.Stack()))
		return fmt.Errorf("panic: %v", panicked)
	}
}
