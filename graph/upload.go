package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"

	"eventstream/graph/model"
	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/guard"
	"eventstream/server/say"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// Limits of a multipart request besides its file.
const (
	maxOperationsPart = 128 << 10 // bytes of the part that is JSON
	maxMap            = 1 << 10   // bytes of the part that says where the file belongs
	maxBoundaries     = 1 << 20   // bytes of everything around
)

// uploads takes the multipart requests of the GraphQL multipart request specification
// (github.com/jaydenseric/graphql-multipart-request-spec) with one file. The parts come in order: operations, map,
// file. What an operation is allowed to is decided before the file's first byte, and its resolver reads the file from the
// connection: nothing of it is kept in memory or on disk here.
type uploads struct {
	schema    *ast.Schema
	documents TrustedDocuments
	limits    *guard.Uploads
	maxFile   int64 // bytes
}

var _ graphql.Transport = uploads{}

// Supports implements graphql.Transport.
func (uploads) Supports(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && r.Header.Get("Upgrade") == "" && kind == "multipart/form-data"
}

// Do implements graphql.Transport.
func (u uploads) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	who := actor.From(r.Context())
	if who.Kind == "" {
		guard.Refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "sign in first, or send a token")
		return
	}
	done, err := u.limits.Begin(who)
	if err != nil {
		refuseUpload(w, r, err)
		return
	}
	defer done()
	start := graphql.Now()
	if r.ContentLength > u.maxFile+maxBoundaries {
		guard.Refuse(w, http.StatusRequestEntityTooLarge, "TOO_LARGE", fmt.Sprintf("a file has at most %d MB", u.maxFile>>20))
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, u.maxFile+maxBoundaries)
	params, file, err := u.open(r, who)
	if err != nil {
		refuseUpload(w, r, err)
		return
	}
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	rc, listed := exec.CreateOperationContext(r.Context(), params)
	if listed != nil {
		refused := exec.DispatchError(graphql.WithOperationContext(r.Context(), rc), listed)
		answerUpload(w, http.StatusUnprocessableEntity, refused)
		return
	}
	responses, ctx := exec.DispatchOperation(r.Context(), rc)
	response := responses(ctx)
	// A browser that is still sending does not look at the answer.
	_, _ = io.Copy(io.Discard, file)
	answerUpload(w, http.StatusOK, response)
}

func answerUpload(w http.ResponseWriter, status int, response *graphql.Response) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(response) // the client may be gone
}

func refuseUpload(w http.ResponseWriter, r *http.Request, err error) {
	status, code := http.StatusUnprocessableEntity, "INVALID"
	e, ok := errors.AsType[*apperr.Error](err)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		status, code = http.StatusRequestTimeout, "TIMEOUT"
	case ok:
		code = strings.ToUpper(string(e.Code))
		status = map[apperr.Code]int{
			apperr.CodeUnauthenticated: http.StatusUnauthorized, apperr.CodeForbidden: http.StatusForbidden,
			apperr.CodeRateLimited: http.StatusTooManyRequests,
		}[e.Code]
		if status == 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	text := say.New("the multipart request broke off")
	if ok {
		text = e.Message
	}
	guard.Refuse(w, status, code, say.From(r.Context()).Say(text))
}

// open reads up to the file's first byte.
func (u uploads) open(r *http.Request, who actor.Actor) (*graphql.RawParams, io.Reader, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, apperr.New(apperr.CodeInvalid, "the request is not multipart/form-data with a boundary")
	}
	var params graphql.RawParams
	if err := readPart(parts, "operations", maxOperationsPart, &params); err != nil {
		return nil, nil, err
	}
	if bad := u.documents.MutateOperationParameters(r.Context(), &params); bad != nil {
		return nil, nil, apperr.Saying(apperr.CodeForbidden, say.Raw(bad.Message))
	}
	if err := u.allowed(r, &params); err != nil {
		return nil, nil, err
	}
	var places map[string][]string
	if err := readPart(parts, "map", maxMap, &places); err != nil {
		return nil, nil, err
	}
	part, err := parts.NextPart()
	if err != nil {
		return nil, nil, partError(err, "a file")
	}
	paths := places[part.FormName()]
	if len(places) != 1 || len(paths) != 1 {
		return nil, nil, apperr.Invalid("map", "want one file, in one place: {\"0\": [\"variables.file\"]}")
	}
	file := u.limits.Reader(who, part)
	upload := graphql.Upload{
		File: onceRead{file}, Filename: part.FileName(), Size: r.ContentLength, ContentType: part.Header.Get("Content-Type"),
	}
	return &params, file, putFile(params.Variables, paths[0], upload)
}

// readPart decodes the part of this name, which must be the next one.
func readPart(parts *multipart.Reader, name string, limit int64, into any) error {
	part, err := parts.NextPart()
	if err != nil {
		return partError(err, name)
	}
	if part.FormName() != name {
		return apperr.Invalid(name, "want the parts operations, map and the file, in this order")
	}
	// Decoded as it comes: what is wrong with it is told before anything behind it is read.
	var raw bytes.Buffer
	decoder := json.NewDecoder(io.TeeReader(io.LimitReader(part, limit), &raw))
	decoder.UseNumber()
	err = decoder.Decode(into)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if err != nil {
		return apperr.Invalid(name, "the part %s is not JSON of what belongs there, of at most %d bytes", name, limit)
	}
	return readable(raw.Bytes()[:decoder.InputOffset()])
}

func partError(err error, name string) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return apperr.New(apperr.CodeInvalid, "the request broke off before %s", name)
}

// allowed refuses operations that this caller may not run, before they are validated: each of their root fields must
// name a role, and the caller must have it. What no role is asked for takes no file.
func (u uploads) allowed(r *http.Request, params *graphql.RawParams) error {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: params.Query}, maxTokens)
	if err != nil {
		return apperr.Invalid("operations", "the operation cannot be read: %s", err)
	}
	op := doc.Operations.ForName(params.OperationName)
	if op == nil || op.Operation != ast.Mutation {
		return apperr.Invalid("operations", "want one mutation, or operationName to tell which")
	}
	return u.each(r, doc, op.SelectionSet, map[string]bool{})
}

func (u uploads) each(r *http.Request, doc *ast.QueryDocument, set ast.SelectionSet, seen map[string]bool) error {
	for _, selection := range set {
		var err error
		switch s := selection.(type) {
		case *ast.Field:
			err = u.field(r, s.Name)
		case *ast.InlineFragment:
			err = u.each(r, doc, s.SelectionSet, seen)
		case *ast.FragmentSpread:
			fragment := doc.Fragments.ForName(s.Name)
			if fragment == nil || seen[s.Name] {
				continue // validation says so
			}
			seen[s.Name] = true
			err = u.each(r, doc, fragment.SelectionSet, seen)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (u uploads) field(r *http.Request, name string) error {
	if name == "__typename" {
		return nil
	}
	field := u.schema.Mutation.Fields.ForName(name)
	if field == nil {
		return apperr.Invalid("operations", "there is no mutation %q", name)
	}
	directive := field.Directives.ForName("hasRole")
	if directive == nil {
		return apperr.Invalid("operations", "%s takes no file", name)
	}
	role := model.Role(directive.Arguments.ForName("role").Value.Raw)
	return actor.Require(r.Context(), actor.Role(strings.ToLower(string(role))))
}

// putFile puts the file where the map says: into a variable, or a field of one that is an object.
func putFile(variables map[string]any, path string, upload graphql.Upload) error {
	steps := strings.Split(path, ".")
	wrong := apperr.Invalid("map", "%q is no place in the variables of operations", clipped(path, 100))
	if len(steps) < 2 || steps[0] != "variables" {
		return wrong
	}
	at := variables
	for _, step := range steps[1 : len(steps)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			return wrong
		}
		at = next
	}
	last := steps[len(steps)-1]
	if held, ok := at[last]; !ok || held != nil {
		return wrong
	}
	at[last] = upload
	return nil
}

func clipped(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// onceRead is a file that comes over the connection: it is read once, from its beginning.
type onceRead struct{ io.Reader }

// Seek implements io.Seeker, which graphql.Upload asks for.
func (onceRead) Seek(int64, int) (int64, error) {
	return 0, fmt.Errorf("an upload is read once: %w", errors.ErrUnsupported)
}
