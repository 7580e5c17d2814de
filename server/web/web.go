// Package web is the HTTP front: router, middleware, health, metrics, the SPA
// and the playground.
package web

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/guard"
	"eventstream/server/link"
	"eventstream/server/media"
	"eventstream/server/say"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Routes are what the router mounts.
type Routes struct {
	GraphQL   http.Handler
	Schema    string // SDL; "": it is not served
	Authorize func(http.Handler) http.Handler
	Inbound   http.HandlerFunc
	Status    http.HandlerFunc
	Check     http.HandlerFunc // whether signatures fit
	Media     *media.Service
	Links     *link.Redirects
	Rejects   Download
	Export    Download
	Messages  Download
	// The list of suppressions.
	Suppressions Download
	// Proofs of a contact and of a message.
	ContactProof, MessageProof Download
	ContactData                Download     // all about a contact
	MessageFile                Download     // a file that a contact sent; format is its place in the message
	Provider                   *SignIn      // nil: operators do not sign in elsewhere
	Jobs                       http.Handler // River UI, nil without
	SPA                        http.Handler
	Playground                 bool
	Ready                      func(context.Context) error
	Registry                   *prometheus.Registry
	Proxies                    guard.Proxies
	Hosts                      guard.Hosts
	HTTPS                      bool // people come by https, as PUBLIC_URL says
	Log                        *slog.Logger
}

// SignIn is signing in at an OpenID Connect provider.
type SignIn struct {
	StartPath, CallbackPath string
	Start, Callback         http.HandlerFunc
}

// Download writes a file about the thing with this id. format is the end of its name where the path tells it.
type Download func(ctx context.Context, id, format string, w http.ResponseWriter) error

// NewRouter mounts everything.
func NewRouter(rt Routes) http.Handler {
	requests := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds", Help: "Time to answer, by route and status.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10),
	}, []string{"route", "status"})
	rt.Registry.MustRegister(requests)

	r := chi.NewRouter()
	r.Use(identify, rt.Proxies.Identify, guard.DefaultPace.Handler, measure(requests), recoverer(rt.Log), secure(rt.HTTPS))
	probe(r, rt.Ready)
	for _, path := range []string{"/webhooks/twilio/", "/webhooks/"} { // the second is the first product's
		for _, end := range []string{"", "/"} { // as people type it in at Twilio
			r.Post(path+"inbound"+end, rt.Inbound)
			r.Post(path+"status"+end, rt.Status)
		}
	}
	r.Post("/webhooks/twilio/check", rt.Check)
	// Whoever has the address may read: WhatsApp does. By PUBLIC_URL, whatever the hosts of the pages are.
	r.Get("/media/{token}/{name}", serveMedia(rt.Media))
	r.Head("/media/{token}/{name}", serveMedia(rt.Media))
	// People come by whatever host the link had when WhatsApp approved it.
	r.Get(link.Path+"{token}", follow(rt.Links))
	r.Head(link.Path+"{token}", follow(rt.Links))
	r.NotFound(rt.Hosts.Handler(rt.SPA).ServeHTTP)
	r.Group(func(r chi.Router) {
		r.Use(rt.Hosts.Handler)
		rt.pages(r)
	})
	return r
}

// pages mounts what browsers open; probes and webhooks stay outside of it, which other machines ask by other names.
func (rt Routes) pages(r chi.Router) {
	// Browsers say where a request comes from; one from another site is refused.
	cross := http.NewCrossOriginProtection()
	r.Group(func(r chi.Router) {
		r.Use(noStore, cross.Handler, rt.Authorize)
		r.Handle("/graphql", guard.Bodies(guard.NewSockets(guard.DefaultSocketLimits).Handler(compress(rt.GraphQL))))
		viewer, marketer := r.With(atLeast(actor.RoleViewer)), r.With(atLeast(actor.RoleMarketer))
		viewer.Get("/downloads/imports/{id}/rejects.{format:csv|xlsx}", rt.download(rt.Rejects))
		marketer.Get("/downloads/exports/{id}/{file}", rt.download(rt.Export))
		marketer.Get("/downloads/campaigns/{id}/messages.{format:csv|xlsx}", rt.download(rt.Messages))
		if p := rt.Provider; p != nil {
			r.Get(p.StartPath, p.Start)
			r.Get(p.CallbackPath, p.Callback)
		}
		marketer.Get("/downloads/suppressions.{format:csv|xlsx}", rt.download(rt.Suppressions))
		marketer.Get("/downloads/contacts/{id}/proof.txt", rt.download(rt.ContactProof))
		marketer.Get("/downloads/contacts/{id}/data.{format:json|html}", rt.download(rt.ContactData))
		marketer.Get("/downloads/messages/{id}/proof.txt", rt.download(rt.MessageProof))
		viewer.Get("/downloads/messages/{id}/media/{format:[0-9]}", rt.download(rt.MessageFile))
		if rt.Schema != "" {
			viewer.Get("/schema.graphql", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				_, _ = w.Write([]byte(rt.Schema))
			})
		}
		if rt.Jobs != nil {
			r.With(atLeast(actor.RoleAdmin), onlyPeople).Mount("/admin/jobs", http.MaxBytesHandler(rt.Jobs, guard.MembersBody))
		}
	})
	if !rt.Playground {
		r.Get("/playground", http.NotFound)
		r.Get("/playground.html", http.NotFound)
	}
}

// download streams a file that write makes; what breaks off half-way is not
// taken for the whole.
func (rt Routes) download(write Download) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := write(r.Context(), chi.URLParam(r, "id"), chi.URLParam(r, "format"), w)
		if err == nil {
			return
		}
		rt.Log.WarnContext(r.Context(), "download broke off", "path", r.URL.Path, "error", err)
		if w.Header().Get("Content-Type") != "" {
			panic(http.ErrAbortHandler)
		}
		status := http.StatusNotFound
		switch {
		case apperr.Is(err, apperr.CodeForbidden):
			status = http.StatusForbidden
		case apperr.Is(err, apperr.CodeConflict):
			status = http.StatusGone
		case apperr.Is(err, apperr.CodeUnavailable):
			status = http.StatusBadGateway
		}
		http.Error(w, say.From(r.Context()).Say(apperr.Text(err)), status)
	}
}

// NewProbe is what METRICS_ADDR answers: numbers are for those who look after the
// engine, not for whoever reaches its pages.
func NewProbe(ready func(context.Context) error, registry *prometheus.Registry) http.Handler {
	r := chi.NewRouter()
	probe(r, ready)
	r.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 30 * time.Second}))
	return r
}

func probe(r chi.Router, ready func(context.Context) error) {
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	r.Get("/readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, "not ready: the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
}

func atLeast(role actor.Role) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := actor.Require(r.Context(), role); err != nil {
				status := http.StatusForbidden
				if actor.From(r.Context()).Kind == "" {
					status = http.StatusUnauthorized
				}
				http.Error(w, "this needs the role "+string(role), status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// onlyPeople keeps API tokens out of what has no scope.
func onlyPeople(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := actor.RequirePerson(r.Context(), actor.RoleViewer); err != nil {
			http.Error(w, say.From(r.Context()).Say(apperr.Text(err)), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// identify gives each request an id that the answer, the log and the audit
// trail share.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:16]
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(actor.WithRequestID(r.Context(), id)))
	})
}

func measure(h *prometheus.HistogramVec) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			started := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, r)
			route := chi.RouteContext(r.Context()).RoutePattern()
			if route == "" {
				route = "spa"
			}
			status := ww.Status()
			if status == 0 {
				status = http.StatusOK
			}
			h.WithLabelValues(route, strconv.Itoa(status)).Observe(time.Since(started).Seconds())
		})
	}
}

func recoverer(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if v := recover(); v != nil {
					if v == http.ErrAbortHandler { //nolint:errorlint // net/http's own way
						panic(v)
					}
					log.ErrorContext(r.Context(), "request panicked", "path", r.URL.Path, "panic", v, "trace", string(debug.Stack()))
					http.Error(w, "internal error", http.StatusInternalServerError)
				}
			}()
			next.ServeHTTP(w, r)
		})
	}
}

// secure sets the headers that keep a page to itself. Inline styles are
// allowed: the component library sets them; scripts are not. 'self' in connect-src
// takes in the sockets of this host.
func secure(https bool) func(http.Handler) http.Handler {
	const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
		"connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'; " +
		"object-src 'none'"
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			if https { // browsers ignore it where they came by http
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			next.ServeHTTP(w, r)
		})
	}
}

// noStore keeps what tells of people out of every cache.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
