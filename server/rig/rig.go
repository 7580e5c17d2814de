// Package rig runs the real binary as the processes of one installation, for
// benchmarks and for tests that kill them: a server with the sandbox, and any
// number of workers, on one database and one data directory that outlive them.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"eventstream/server/db"
	"eventstream/server/twilio/sandbox"
)

const (
	adminEmail    = "ada@shop.example"
	adminPassword = "a long enough password" // of a database that lives for one test
)

// Options say what to run and on what.
type Options struct {
	Binary      string   // the server
	DatabaseURL string   // an empty or migrated database
	DataDir     string   // the sandbox's log lies there
	Env         []string // more of it, for every process
}

// Rig is one installation.
type Rig struct {
	DB      *db.DB
	URL     string     // of the API
	Server  *Process   // for whoever wants to keep them together
	Workers []*Process // likewise
	opts    Options
	listen  string
	http    *http.Client
}

// New prepares an installation; nothing runs yet.
func New(ctx context.Context, opts Options) (*Rig, error) {
	d, err := db.Open(ctx, opts.DatabaseURL, 8, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	// The address stays the same over restarts: the sandbox calls back where
	// it was told to.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	r := &Rig{DB: d, opts: opts, listen: l.Addr().String(), http: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
	r.URL = "http://" + r.listen
	return r, nil
}

// Use has further processes run another binary, as a deployment does.
func (r *Rig) Use(binary string) { r.opts.Binary = binary }

// DatabaseURL is where its database is.
func (r *Rig) DatabaseURL() string { return r.opts.DatabaseURL }

// Close gives the database back.
func (r *Rig) Close() { r.DB.Close() }

// Process is one running process.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// Start runs the binary as run, serve or work. It returns when a server
// answers and the rig is signed in; a worker is given a moment's trust.
func (r *Rig) Start(ctx context.Context, role string, env ...string) (*Process, error) {
	cmd := exec.Command(r.opts.Binary, role) //nolint:gosec // our own binary
	cmd.Env = append(os.Environ(), "DATABASE_URL="+r.opts.DatabaseURL, "DATA_DIR="+r.opts.DataDir, "LISTEN_ADDR="+r.listen,
		"ADMIN_EMAIL="+adminEmail, "ADMIN_PASSWORD="+adminPassword, "SECRET_KEY=0123456789abcdef0123456789abcdef",
		"TWILIO_ACCOUNT_SID=", "TWILIO_AUTH_TOKEN=", "LOG_LEVEL=error")
	cmd.Env = append(append(cmd.Env, r.opts.Env...), env...)
	cmd.Stderr = os.Stderr
	if slices.Contains(r.opts.Env, "LOG_LEVEL=none") {
		cmd.Env, cmd.Stderr = append(cmd.Env, "LOG_LEVEL=error"), nil
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	if role == "work" {
		return p, nil
	}
	if err := r.signIn(ctx, p); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	return p, nil
}

func (r *Rig) signIn(ctx context.Context, p *Process) error {
	const doc = `mutation($e: String!, $p: String!) { signIn(input: {email: $e, password: $p}) { operator { id } userErrors { message } } }`
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		select {
		case <-p.done:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if err = r.Call(ctx, doc, map[string]any{"e": adminEmail, "p": adminPassword}, nil); err == nil {
			return nil
		}
	}
	return err
}

// Kill ends the process with -9 and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end and waits until it has.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
}

// Pause stops the process where it is, as a debugger or a frozen container does. It
// keeps its connections and learns nothing of it.
func (p *Process) Pause() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// MemoryMB is what the process holds in memory now; 0 when that is not known.
func (p *Process) MemoryMB() float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// Pid is the process' id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Call runs a GraphQL operation as the admin. An error or userError is an
// error here; out, if given, takes the data.
func (r *Rig) Call(ctx context.Context, query string, vars map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return r.do(req, out)
}

func (r *Rig) do(req *http.Request, out any) error {
	resp, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var answer struct {
		Data   map[string]json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("answer %d: %s", resp.StatusCode, raw)
	}
	if len(answer.Errors) > 0 {
		return errors.New(answer.Errors[0].Message)
	}
	for field, v := range answer.Data {
		var payload struct{ UserErrors []struct{ Message string } }
		if json.Unmarshal(v, &payload) == nil && len(payload.UserErrors) > 0 {
			return fmt.Errorf("%s: %s", field, payload.UserErrors[0].Message)
		}
	}
	if out == nil {
		return nil
	}
	data, err := json.Marshal(answer.Data)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// Approved makes a template and waits for its approval. It gives its id.
func (r *Rig) Approved(ctx context.Context, name, body string) (string, error) {
	return r.ApprovedWith(ctx, map[string]any{"name": name, "body": body})
}

// ApprovedWith does it with a whole TemplateCreateInput.
func (r *Rig) ApprovedWith(ctx context.Context, input map[string]any) (string, error) {
	var made struct {
		TemplateCreate struct{ Template struct{ ID string } }
	}
	const create = `mutation($i: TemplateCreateInput!) { templateCreate(input: $i) { template { id } userErrors { message } } }`
	if err := r.Call(ctx, create, map[string]any{"i": input}, &made); err != nil {
		return "", err
	}
	id := made.TemplateCreate.Template.ID
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var t struct {
			Node struct{ ApprovalStatus string }
		}
		if err := r.Call(ctx, `query($id: ID!) { node(id: $id) { ... on Template { approvalStatus } } }`,
			map[string]any{"id": id}, &t); err != nil {
			return "", err
		}
		if t.Node.ApprovalStatus == "APPROVED" {
			return id, nil
		}
	}
	return "", errors.New("the template was not approved")
}

// Campaign makes a draft out of input, a CampaignCreateInput. It gives its id.
func (r *Rig) Campaign(ctx context.Context, input map[string]any) (string, error) {
	var made struct {
		CampaignCreate struct{ Campaign struct{ ID string } }
	}
	err := r.Call(ctx, `mutation($i: CampaignCreateInput!) { campaignCreate(input: $i) { campaign { id } userErrors { message } } }`, map[string]any{"i": input}, &made)
	return made.CampaignCreate.Campaign.ID, err
}

// Upload imports a file with the default options.
func (r *Rig) Upload(ctx context.Context, name string, content io.Reader) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	const operation = `{"query": "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } userErrors { message } } }", "variables": {"f": null}}`
	if err := errors.Join(w.WriteField("operations", operation),
		w.WriteField("map", `{"0": ["variables.f"]}`)); err != nil {
		return err
	}
	part, err := w.CreateFormFile("0", name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	return r.do(req, nil)
}

// Launch starts a campaign.
func (r *Rig) Launch(ctx context.Context, id string) error {
	return r.Call(ctx, `mutation($id: ID!) { campaignLaunch(input: {id: $id}) { campaign { id } userErrors { message } } }`, map[string]any{"id": id}, nil)
}

// Sandbox changes how the sandbox behaves.
func (r *Rig) Sandbox(ctx context.Context, settings map[string]any) error {
	return r.Call(ctx, `mutation($s: SandboxSettingsUpdateInput!) { sandboxSettingsUpdate(input: $s) { userErrors { message } } }`, map[string]any{"s": settings}, nil)
}

// SandboxLog reads the sandbox's own file: the outbound messages that the peer
// remembers, whatever became of the engine.
func (r *Rig) SandboxLog() ([]sandbox.Message, error) { return sandbox.ReadLog(r.opts.DataDir) }

// SandboxToken is what the sandbox signs its webhooks with.
func (r *Rig) SandboxToken() (string, error) { return sandbox.Token(r.opts.DataDir) }

// SandboxURL is where the sandbox answers REST calls.
func (r *Rig) SandboxURL() (string, error) {
	raw, err := os.ReadFile(r.opts.DataDir + "/sandbox.url")
	if err != nil {
		return "", err
	}
	var peer struct{ URL string }
	return peer.URL, json.Unmarshal(raw, &peer)
}
