package bench

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"
	"eventstream/server/twilio"
	"eventstream/server/twilio/sandbox"
)

const (
	abusedContacts = 20_000
	megabyte       = 1 << 20
)

// attack is one thing that somebody may do to a server that can be reached.
type attack struct {
	name   string
	before string // what it cost when a security test found it, from that test's report
	run    func(ctx context.Context, r *rig.Rig) (answer string, err error)
}

// attacks are those of the security test whose harm was time, memory, or
// somebody else's request. What they got by other means is tested where the
// guard is (docs/security.md).
var attacks = []attack{
	{
		"24 fragments, each of which spreads the next one twice; not signed in",
		"2.8 s of CPU, doubling with each", fragments,
	},
	{"1 GiB of multipart, chunked; not signed in", "519 MB of memory, held for over a minute", multipartStream},
	{"40 wrong passwords at once", "650 MB of memory", passwords},
	{"150 aliases of `__schema`; not signed in", "an answer of 13 MB", introspections},
	{"`possibleDuplicates` in itself, four deep", "6.8 s of CPU, 11,000 statements", duplicatesOfDuplicates},
	{"a segment of 100 segments of 100 conditions", "48 s", segmentOfSegments},
	{
		"40 aliases of `segmentPreview`, three times at once",
		"`/readyz` and a signed STOP answered 503 meanwhile", previews,
	},
	{"gzip of 200 kB that unpacks to one cell of 200 MB", "3.4 GB of memory", gzipBomb},
	{"workbook of 400 kB with a picture that unpacks to 400 MB", "1.9 GB of memory", pictureBomb},
	{"workbook of 400 kB with a sheet that unpacks to 400 MB", "not tried", sheetBomb},
}

// Abuse does each attack to one running server and measures what it costs.
func (b *Bench) Abuse(ctx context.Context) (Table, error) {
	t := Table{
		Title: "Abuse",
		Intro: fmt.Sprintf("What attacks cost one process that serves and works, on %d contacts. "+
			"Before: as the security test that found them reported them, on another machine. "+
			"CPU is of the server and of Postgres while the attack lasted; memory is the highest the process held meanwhile, "+
			"over what it held before; the time includes making the files.", abusedContacts),
		Head: []string{"attack", "before", "took, ms", "CPU of the server, s", "CPU of Postgres, s", "memory, MB", "answer"},
	}
	r, release, err := b.fresh(ctx)
	if err != nil {
		return t, err
	}
	defer release()
	server, err := r.Start(ctx, "run")
	if err != nil {
		return t, err
	}
	defer server.Stop()
	if err := r.Seed(ctx, 0, abusedContacts); err != nil {
		return t, err
	}
	for _, a := range attacks {
		held, cpu, postgres, began := resetPeak(server), processCPU(server.Pid()), postgresCPU(ctx, r.DB), time.Now()
		answer, err := a.run(ctx, r)
		if err != nil {
			return t, fmt.Errorf("%s: %w", a.name, err)
		}
		t.Rows = append(t.Rows, []string{
			a.name, a.before, ms(time.Since(began)), fmt.Sprintf("%.2f", processCPU(server.Pid())-cpu),
			fmt.Sprintf("%.2f", postgresCPU(ctx, r.DB)-postgres), fmt.Sprintf("%.0f", max(0, peak(server)-held)), answer,
		})
		b.log("abuse: %v", t.Rows[len(t.Rows)-1])
	}
	return t, nil
}

// resetPeak has Linux forget the most memory that the process held, and gives
// what it holds now, in MB.
func resetPeak(p *rig.Process) float64 {
	_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(p.Pid()), "clear_refs"), []byte("5"), 0o200)
	return p.MemoryMB()
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that the process held since resetPeak, in MB; 0 where
// that is not known.
func peak(p *rig.Process) float64 {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Pid()), "status"))
	if err != nil {
		return 0
	}
	m := highWater.FindSubmatch(raw)
	if m == nil {
		return 0
	}
	kB, _ := strconv.ParseFloat(string(m[1]), 64)
	return kB / 1024
}

// stranger sends an operation without signing in and tells what came back.
func stranger(ctx context.Context, r *rig.Rig, query string) (string, error) {
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	return answerTo(req)
}

// answerTo sends a request and tells the answer in a few words: its status, its
// first error's code, its size.
func answerTo(req *http.Request) (string, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	text := strconv.Itoa(resp.StatusCode)
	var answer struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	if json.Unmarshal(raw, &answer) == nil && len(answer.Errors) > 0 {
		text += " " + answer.Errors[0].Extensions.Code
	}
	return fmt.Sprintf("%s, %d bytes", text, len(raw)), nil
}

// outcome is what somebody who is signed in was told.
func outcome(err error) string {
	if err != nil {
		return "refused: " + err.Error()
	}
	return "answered"
}

func fragments(ctx context.Context, r *rig.Rig) (string, error) {
	var doc strings.Builder
	doc.WriteString("{ ...F0 }")
	for i := range 24 {
		fmt.Fprintf(&doc, " fragment F%d on Query { ...F%d ...F%d }", i, i+1, i+1)
	}
	doc.WriteString(" fragment F24 on Query { __typename }")
	return stranger(ctx, r, doc.String())
}

func introspections(ctx context.Context, r *rig.Rig) (string, error) {
	var doc strings.Builder
	for i := range 150 {
		fmt.Fprintf(&doc, "a%d: __schema { types { name fields { name } } } ", i)
	}
	return stranger(ctx, r, "{ "+doc.String()+"}")
}

// endless gives what it is asked for, up to so many bytes, and counts it.
type endless struct{ left, given int64 }

func (e *endless) Read(into []byte) (int, error) {
	n := min(int64(len(into)), e.left)
	if n == 0 {
		return 0, io.EOF
	}
	e.left -= n
	e.given += n
	return int(n), nil
}

func multipartStream(ctx context.Context, r *rig.Rig) (string, error) {
	const head = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n"
	file := &endless{left: 1 << 30}
	body := io.MultiReader(strings.NewReader(head), file)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/graphql", body)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	answer, err := answerTo(req)
	if err != nil { // the connection may end before the answer is read
		answer = "the connection was closed"
	}
	return fmt.Sprintf("%s after %d kB", answer, file.given/1024), nil
}

func passwords(ctx context.Context, r *rig.Rig) (string, error) {
	const doc = `mutation { signIn(input: {email: "nobody@shop.example", password: "a wrong one, but long"}) {
		operator { id } userErrors { message } } }`
	answers := make([]string, 40)
	var wait sync.WaitGroup
	errs := make([]error, len(answers))
	for i := range answers {
		wait.Go(func() { answers[i], errs[i] = stranger(ctx, r, doc) })
	}
	wait.Wait()
	counts := map[string]int{}
	for _, a := range answers {
		counts[a]++
	}
	return fmt.Sprintf("%d answers, %d different", len(answers), len(counts)), errors.Join(errs...)
}

func duplicatesOfDuplicates(ctx context.Context, r *rig.Rig) (string, error) {
	inner := "id"
	for range 4 {
		inner = "possibleDuplicates { " + inner + " }"
	}
	return outcome(r.Call(ctx, "{ contacts(first: 50) { nodes { "+inner+" } } }", nil, nil)), nil
}

func segmentOfSegments(ctx context.Context, r *rig.Rig) (string, error) {
	conditions := make([]any, 100)
	for i := range conditions {
		conditions[i] = map[string]any{"field": "attributes.points", "op": "gt", "value": i}
	}
	var made struct {
		SegmentCreate struct{ Segment struct{ ID string } }
	}
	err := r.Call(ctx, `mutation($q: SegmentQuery!) { segmentCreate(input: {name: "Hundred", query: $q})
		{ segment { id } userErrors { message } } }`, map[string]any{"q": map[string]any{"any": conditions}}, &made)
	if err != nil {
		return "", err
	}
	hundred := make([]any, 100)
	for i := range hundred {
		hundred[i] = map[string]any{"segment": made.SegmentCreate.Segment.ID}
	}
	return outcome(r.Call(ctx, `query($q: SegmentQuery!) { segmentPreview(query: $q, sample: 0) { count } }`,
		map[string]any{"q": map[string]any{"any": hundred}}, nil)), nil
}

func previews(ctx context.Context, r *rig.Rig) (string, error) {
	var doc strings.Builder
	for i := range 40 {
		fmt.Fprintf(&doc, "a%d: segmentPreview(query: {random: {percent: %d, salt: \"x\"}}, sample: 0) { count } ", i, i+1)
	}
	var wait sync.WaitGroup
	var first error
	for i := range 3 {
		wait.Go(func() {
			if err := r.Call(ctx, "{ "+doc.String()+"}", nil, nil); i == 0 {
				first = err
			}
		})
	}
	ready, err := http.Get(r.URL + "/readyz")
	if err != nil {
		return "", err
	}
	_ = ready.Body.Close()
	token, err := r.SandboxToken()
	if err != nil {
		return "", err
	}
	form := url.Values{
		"MessageSid": {"SM" + strings.Repeat("0a", 16)}, "AccountSid": {sandbox.AccountSID},
		"From": {"whatsapp:+4915100000000"}, "To": {"whatsapp:" + sandbox.PhoneNumber}, "Body": {"STOP"}, "NumMedia": {"0"},
	}
	const path = "/webhooks/twilio/inbound"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", twilio.Sign(token, r.URL+path, form))
	stop, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	_ = stop.Body.Close()
	wait.Wait()
	return fmt.Sprintf("%s; meanwhile `/readyz` %d, a signed STOP %d",
		outcome(first), ready.StatusCode, stop.StatusCode), nil
}

// zeros writes so many megabytes that pack well.
func zeros(w io.Writer, n int) error {
	chunk := bytes.Repeat([]byte("a"), megabyte)
	for range n {
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

func gzipBomb(ctx context.Context, r *rig.Rig) (string, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, "phone,note\n+4915112340001,"); err != nil {
		return "", err
	}
	if err := errors.Join(zeros(w, 200), w.Close()); err != nil {
		return "", err
	}
	return uploaded(ctx, r, "people.csv.gz", &packed)
}

func pictureBomb(ctx context.Context, r *rig.Rig) (string, error) {
	return workbookBomb(ctx, r, 400, 0)
}

func sheetBomb(ctx context.Context, r *rig.Rig) (string, error) {
	return workbookBomb(ctx, r, 0, 400)
}

func workbookBomb(ctx context.Context, r *rig.Rig, picture, sheet int) (string, error) {
	const relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	var failed error
	add := func(name, begin string, megabytes int, end string) {
		part, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(part, begin)
		}
		if err == nil {
			err = zeros(part, megabytes)
		}
		if err == nil {
			_, err = io.WriteString(part, end)
		}
		failed = errors.Join(failed, err)
	}
	add("xl/workbook.xml", `<workbook xmlns:r="`+relations+`"><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`,
		0, "")
	add("xl/_rels/workbook.xml.rels",
		`<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`, 0, "")
	add("xl/media/image1.png", "", picture, "")
	add("xl/worksheets/sheet1.xml", `<worksheet><sheetData>`+
		`<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>`+
		`<row r="2"><c r="A2" t="inlineStr"><is><t>+4915112340001</t></is></c><c r="B2" t="inlineStr"><is><t>`, sheet,
		`</t></is></c></row></sheetData></worksheet>`)
	if err := errors.Join(failed, z.Close()); err != nil {
		return "", err
	}
	return uploaded(ctx, r, "people.xlsx", &packed)
}

// uploaded imports a file and waits for what became of it.
func uploaded(ctx context.Context, r *rig.Rig, name string, file io.Reader) (string, error) {
	if err := r.Upload(ctx, name, file); err != nil {
		return outcome(err), nil
	}
	for {
		var out struct {
			Imports struct {
				Nodes []struct {
					Status            string
					Failure           *string
					Created, Rejected int
				}
			}
		}
		if err := r.Call(ctx, `{ imports(first: 1) { nodes { status failure created rejected } } }`, nil, &out); err != nil {
			return "", err
		}
		switch i := out.Imports.Nodes[0]; i.Status {
		case "COMPLETED":
			return fmt.Sprintf("read: %d created, %d rejected", i.Created, i.Rejected), nil
		case "FAILED":
			return "refused: " + *i.Failure, nil
		}
		if err := pause.For(ctx, 20*time.Millisecond); err != nil {
			return "", err
		}
	}
}
