package graph

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"eventstream/graph/generated"
	"eventstream/graph/model"
	"eventstream/server/importer"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
)

// Limits of one request.
const (
	maxBody       = 1 << 20
	maxTokens     = 4000
	maxComplexity = 5000
	maxDepth      = 12
)

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
	limitLists(&cfg.Complexity)
	srv := handler.New(generated.NewExecutableSchema(cfg))
	readLimit := int64(64 << 10)
	srv.AddTransport(transport.Websocket{
		InitTimeout:      5 * time.Second,
		PingPongInterval: 15 * time.Second,
		PayloadReadLimit: &readLimit,
		Implementation:   gorillaSockets{},
	})
	srv.AddTransport(transport.MultipartForm{MaxUploadSize: importer.MaxFile + (1 << 20), MaxMemory: 4 << 20})
	srv.AddTransport(transport.POST{})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	srv.SetParserTokenLimit(maxTokens)
	srv.Use(o.Documents)
	srv.Use(extension.FixedComplexityLimit(maxComplexity))
	srv.Use(depthLimit(maxDepth))
	if o.Introspection {
		srv.Use(extension.Introspection{})
	} else {
		srv.SetDisableSuggestion(true)
	}
	srv.SetErrorPresenter(presentError(s.Log))
	srv.SetRecoverFunc(recoverPanic(s.Log))
	srv.AroundOperations(identifyAnew(s.Auth))
	srv.AroundOperations(tellEnding)
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

// limitLists makes a list cost what it may return.
func limitLists(c *generated.ComplexityRoot) {
	size := func(child int, first *int) int {
		n := 50
		if first != nil && *first > 0 {
			n = *first
		}
		return 1 + n*child/4 // edges, nodes and pageInfo share the page
	}
	c.Query.Contacts = func(child int, _ *model.ContactFilter, _ *string, _ *model.ContactOrder, first *int, _ *string,
		last *int, _ *string,
	) int {
		if last != nil {
			first = last
		}
		return size(child, first)
	}
	c.Query.Messages = func(child int, _ *model.MessageFilter, first *int, _ *string) int { return size(child, first) }
	c.Query.Campaigns = func(child int, _ *model.CampaignFilter, _ *string, _ *model.CampaignOrder, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
	c.Query.Segments = func(child int, _ *string, first *int, _ *string) int { return size(child, first) }
	c.Query.Templates = func(child int, _ *model.TemplateFilter, first *int, _ *string) int { return size(child, first) }
	c.Query.Imports = func(child int, first *int, _ *string) int { return size(child, first) }
	c.Query.Conversations = func(child int, _ *model.ConversationFilter, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
	c.Query.ConsentEvents = func(child int, _ *model.ConsentEventFilter, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
	c.Query.Suppressions = func(child int, _ *model.SuppressionFilter, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
	c.Query.WebhookEvents = func(child int, _ *model.WebhookEventFilter, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
	c.Query.AuditEntries = func(child int, _ *model.AuditFilter, first *int, _ *string) int { return size(child, first) }
	c.Query.BulkActions = func(child int, first *int, _ *string) int { return size(child, first) }
	c.Conversation.Messages = func(child int, first *int, _ *string) int { return size(child, first) }
	c.Message.Decision = func(child int) int { return 40 + child } // a query of its own for each
	c.Query.Topics = func(child int) int { return 1 + 20*child }
	c.Contact.Messages = func(child int, first *int, _ *string) int { return size(child, first) }
	c.Contact.ConsentEvents = func(child int, first *int, _ *string) int { return size(child, first) }
	c.Campaign.Messages = func(child int, _ *model.CampaignMessageFilter, first *int,
		_ *string,
	) int {
		return size(child, first)
	}
}
