package graph

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"eventstream/graph/generated"
	"eventstream/server/importer"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
)

// maxBody bounds the JSON of one request.
const maxBody = 1 << 20

// Options switch the handler's parts.
type Options struct {
	Documents     TrustedDocuments
	Introspection bool
}

// NewHandler makes the whole of /graphql but for who calls: see Authenticate.
func NewHandler(s Services, o Options) http.Handler {
	cfg := generated.Config{Resolvers: &Resolver{s}}
	cfg.Directives.HasRole = hasRole
	cfg.Directives.Public = public
	srv := handler.New(generated.NewExecutableSchema(cfg))
	readLimit := int64(64 << 10)
	srv.AddTransport(transport.Websocket{
		InitTimeout:      5 * time.Second,
		PingPongInterval: 15 * time.Second,
		PayloadReadLimit: &readLimit,
		InitFunc:         tieToSession(s.Auth),
		Implementation:   gorillaSockets{},
	})
	srv.AddTransport(transport.MultipartForm{MaxUploadSize: importer.MaxFile + (1 << 20), MaxMemory: 4 << 20})
	srv.AddTransport(transport.POST{})
	cache := newDocumentCache(maxCache)
	srv.SetQueryCache(cache)
	srv.SetParserTokenLimit(maxTokens)
	srv.Use(o.Documents)
	srv.Use(&documents{cache: cache})
	srv.Use(&costLimit{})
	if o.Introspection {
		srv.Use(extension.Introspection{})
	}
	srv.SetErrorPresenter(presentError(s.Log))
	srv.SetRecoverFunc(recoverPanic(s.Log))
	srv.AroundOperations(tellEnding)
	srv.AroundResponses(endInTime)
	srv.AroundResponses(injectLoaders(s))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !multipart(r) {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		srv.ServeHTTP(w, r)
	})
}

func multipart(r *http.Request) bool {
	return len(r.Header.Get("Content-Type")) >= 19 && r.Header.Get("Content-Type")[:19] == "multipart/form-data"
}

func recoverPanic(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, panicked any) error {
		log.ErrorContext(ctx, "graphql panicked", "panic", panicked, "trace", string(debug.Stack()))
		return fmt.Errorf("panic: %v", panicked)
	}
}
