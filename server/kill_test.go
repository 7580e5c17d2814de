package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"eventstream/server/db"
	"eventstream/server/db/dbtest"
	"eventstream/server/twilio/sandbox"

	"github.com/stretchr/testify/require"
)

// process is the real binary with its sandbox, on a database and a data
// directory that outlive it.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	http   *http.Client
	url    string
	binary string
	env    []string
}

func newProcess(t *testing.T) *process {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "server")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &process{t: t, binary: binary, http: &http.Client{Jar: jar, Timeout: 10 * time.Second}, env: append(os.Environ(),
		"DATABASE_URL="+dbtest.URL(t), "DATA_DIR="+t.TempDir(), "LISTEN_ADDR="+freeAddress(t), "ADMIN_EMAIL=ada@shop.example", "ADMIN_PASSWORD=a long enough password",
		"SECRET_KEY=0123456789abcdef0123456789abcdef", "TWILIO_ACCOUNT_SID=", "TWILIO_AUTH_TOKEN=", "LOG_LEVEL=error")}
}

// freeAddress stays the same over the restarts: the sandbox calls back where
// it was told to.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func (p *process) value(name string) string {
	for _, e := range p.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok && name != "PATH" {
			return v
		}
	}
	return ""
}

// start runs the binary and reads its address from what it prints.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "run")
	p.cmd.Env = p.env
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, p.cmd.Start())
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "Open      "); ok {
			p.url = strings.TrimSpace(address)
			break
		}
	}
	require.NotEmpty(p.t, p.url, "the binary prints its address")
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	require.Eventually(p.t, func() bool {
		_, err := p.post(`{ viewer { id } }`)
		return err == nil
	}, 20*time.Second, 50*time.Millisecond)
	_, err = p.post(`mutation { signIn(input: {email: "ada@shop.example", password: "a long enough password"}) { operator { id } } }`)
	require.NoError(p.t, err)
}

func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
}

func (p *process) post(query string) (string, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return "", err
	}
	resp, err := p.http.Post(p.url+"/graphql", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), err
}

func (p *process) must(query string) string {
	p.t.Helper()
	out, err := p.post(query)
	require.NoError(p.t, err)
	require.NotContains(p.t, out, `"errors"`)
	require.NotContains(p.t, out, `"message"`)
	return out
}

// TestKilledInTheMiddleItFinishesExactly kills the whole process with -9 at
// random points of an import and a campaign, starts it again each time, and
// compares the sandbox's own log with the messages: nobody twice, nobody
// missing, counters right.
func TestKilledInTheMiddleItFinishesExactly(t *testing.T) {
	t.Parallel()
	const people, kills = 3000, 4
	p := newProcess(t)
	p.start()
	d, err := db.Open(context.Background(), p.value("DATABASE_URL"), 4, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(d.Close)
	ctx := context.Background()
	number := func(sql string, args ...any) (n int) {
		require.NoError(t, d.NewRaw(sql, args...).Scan(ctx, &n))
		return n
	}

	p.upload(people)
	require.Eventually(t, func() bool { return number("SELECT rows_done FROM imports") >= 1000 }, 20*time.Second, time.Millisecond)
	p.kill()
	p.start()
	require.Eventually(t, func() bool {
		return number("SELECT count(*) FROM imports WHERE status = 'completed' AND created = ? AND rows_done = ?", people, people) == 1
	}, 60*time.Second, 100*time.Millisecond, "the import went on where it was")
	require.Equal(t, people, number("SELECT count(*) FROM contacts"))
	require.Equal(t, people, number("SELECT count(*) FROM consent_events"), "no consent was recorded twice")

	p.must(`mutation { segmentCreate(input: {name: "All", query: {all: []}}) { segment { id } userErrors { message } } }`)
	p.must(`mutation { templateCreate(input: {name: "T", body: "Hello {{name | you}}, this is for you."}) { template { id } userErrors { message } } }`)
	require.Eventually(t, func() bool {
		return number("SELECT count(*) FROM template_versions WHERE approval_status = 'approved'") == 1
	}, 20*time.Second, 50*time.Millisecond)
	p.must(`mutation { sandboxSettingsUpdate(input: {deliveryMs: 300, replyRate: 0, undeliveredRate: 0, latencyMs: 20}) { settings { latencyMs } userErrors { message } } }`)
	p.must(`mutation { campaignCreate(input: {name: "C", segmentId: "U2VnbWVudDox", templateId: "VGVtcGxhdGU6MQ", rateLimitPerSecond: 800}) { campaign { id } userErrors { message } } }`)
	p.must(`mutation { campaignLaunch(input: {id: "Q2FtcGFpZ246MQ"}) { campaign { id } userErrors { message } } }`)
	for kill := range kills {
		at := (kill+1)*people/(kills+2) + rand.IntN(100)
		require.Eventually(t, func() bool {
			return number("SELECT coalesce(sum(n), 0) FROM message_counts WHERE measure = 'at:accepted'") >= at
		}, 60*time.Second, time.Millisecond)
		p.kill()
		t.Logf("killed at %d accepted, %d were in flight", number("SELECT count(*) FROM messages WHERE sid IS NOT NULL"), number("SELECT count(*) FROM messages WHERE status = 'submitting'"))
		p.start()
	}
	require.Eventually(t, func() bool { return number("SELECT count(*) FROM campaigns WHERE status = 'completed'") == 1 }, 150*time.Second, 200*time.Millisecond)
	require.Eventually(t, func() bool { return number("SELECT count(*) FROM messages WHERE delivered_at IS NOT NULL") == people }, 60*time.Second, 200*time.Millisecond, "every receipt arrived")
	p.kill()

	log := sandboxLog(t, p.value("DATA_DIR"))
	require.Len(t, log, people, "one message at the sandbox for each")
	perPerson := map[string]int{}
	for _, m := range log {
		perPerson[m.To]++
		require.Equal(t, 1, perPerson[m.To], "%s got two", m.To)
		require.Equal(t, 1, number("SELECT count(*) FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.sid = ? AND 'whatsapp:' || c.address = ?", m.SID, m.To))
	}
	require.Equal(t, people, number("SELECT n FROM message_counts WHERE measure = 'at:delivered'"))
}

func (p *process) upload(n int) {
	p.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(p.t, w.WriteField("operations", `{"query": "mutation($f: Upload!) { contactImport(input: {file: $f}) { import { id } userErrors { message } } }", "variables": {"f": null}}`))
	require.NoError(p.t, w.WriteField("map", `{"0": ["variables.f"]}`))
	part, err := w.CreateFormFile("0", "people.csv")
	require.NoError(p.t, err)
	_, _ = fmt.Fprintln(part, "phone,name,opt-in")
	for i := range n {
		_, _ = fmt.Fprintf(part, "+4915%09d,Person %d,yes\n", 100000000+i, i)
	}
	require.NoError(p.t, w.Close())
	resp, err := p.http.Post(p.url+"/graphql", w.FormDataContentType(), &body)
	require.NoError(p.t, err)
	raw, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	require.NoError(p.t, err)
	require.NotContains(p.t, string(raw), "message")
}

// sandboxLog reads the sandbox's own file: what the peer remembers.
func sandboxLog(t *testing.T, dir string) (out []sandbox.Message) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "sandbox.log"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l struct {
			M *sandbox.Message `json:"m"`
		}
		if json.Unmarshal(lines.Bytes(), &l) == nil && l.M != nil && l.M.Direction == "outbound-api" {
			out = append(out, *l.M)
		}
	}
	return out
}
