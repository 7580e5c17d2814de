package disclosure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"
)

// field is one value of a row, under the name that programs know it by.
type field struct {
	name  string
	value any // nil, string, bool, int64, float64, time.Time or json.RawMessage
}

type row []field

// heading is what stands before all sections.
type heading struct {
	Format   string     `json:"format"`
	MadeAt   time.Time  `json:"madeAt"`
	Contact  int64      `json:"contact"`
	Asked    int64      `json:"askedFor"` // another number than contact: it was merged into that one
	ErasedAt *time.Time `json:"erasedAt"` // null: not erased
	LeftOut  []string   `json:"leftOut"`
}

// document is written from the top to the bottom.
type document interface {
	begin(heading) error
	section(section) error
	row(row) error
	endSection() error
	end() error
}

type jsonDocument struct {
	out      io.Writer
	sections int
	rows     int
}

func (d *jsonDocument) begin(h heading) error {
	raw, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "%s,\n  \"data\": {", bytes.TrimSuffix(raw, []byte("\n}")))
	return err
}

func (d *jsonDocument) section(s section) error {
	comma := ","
	if d.sections == 0 {
		comma = ""
	}
	d.sections++
	d.rows = 0
	_, err := fmt.Fprintf(d.out, "%s\n    %q: [", comma, s.name)
	return err
}

func (d *jsonDocument) row(r row) error {
	var b bytes.Buffer
	if d.rows > 0 {
		b.WriteByte(',')
	}
	d.rows++
	b.WriteString("\n      {")
	for i, f := range r {
		if i > 0 {
			b.WriteString(", ")
		}
		raw, err := json.Marshal(f.value)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%q: %s", f.name, raw)
	}
	b.WriteByte('}')
	_, err := d.out.Write(b.Bytes())
	return err
}

func (d *jsonDocument) endSection() error {
	_, err := io.WriteString(d.out, "]")
	return err
}

func (d *jsonDocument) end() error {
	_, err := io.WriteString(d.out, "\n  }\n}\n")
	return err
}

// htmlDocument is a page that needs nothing but itself: no script, no picture, no
// address. Its own policy says so too, where the file is opened from a disk.
type htmlDocument struct {
	out  io.Writer
	rows int
}

var head = template.Must(template.New("head").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>What is kept about contact {{.Contact}}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1b1e; max-width: 860px; margin: 40px auto; padding: 0 20px }
h1 { font-size: 26px; margin: 0 0 4px }
h2 { font-size: 19px; margin: 36px 0 4px; border-bottom: 1px solid #dee2e6; padding-bottom: 6px }
p, li { margin: 4px 0 } .quiet { color: #5c5f66 }
.notice { border: 1px solid #fab005; background: #fff9db; padding: 10px 14px; border-radius: 6px; margin: 16px 0 }
article { border: 1px solid #dee2e6; border-radius: 6px; padding: 10px 14px; margin: 10px 0; break-inside: avoid }
dl { display: grid; grid-template-columns: minmax(120px, 190px) 1fr; gap: 2px 14px; margin: 0 }
dt { color: #5c5f66 } dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
dd dl { grid-template-columns: minmax(90px, 150px) 1fr } dd ol { margin: 0; padding-left: 20px }
@media print { body { margin: 0; max-width: none } }
</style>
</head>
<body>
<h1>What is kept about this person</h1>
<p class="quiet">Made on {{.MadeAt.Format "2 January 2006, 15:04 UTC"}}. All times are in UTC. This page holds the data of one
contact, number {{.Contact}}, and of nobody else.</p>
{{if ne .Asked .Contact}}<p class="notice">Contact {{.Asked}} was merged into contact {{.Contact}}: this is the data of both.</p>
{{end}}{{if .ErasedAt}}<p class="notice">This contact was erased on {{.ErasedAt.UTC.Format "2 January 2006, 15:04 UTC"}}. Their name,
addresses, attributes, topics and the texts of their messages are gone; what is listed here is all that was kept.</p>
{{end}}`))

func (d *htmlDocument) begin(h heading) error {
	if err := head.Execute(d.out, h); err != nil {
		return err
	}
	if _, err := io.WriteString(d.out, "<p class=\"quiet\">Not listed here:</p>\n<ul class=\"quiet\">\n"); err != nil {
		return err
	}
	for _, text := range h.LeftOut {
		if _, err := fmt.Fprintf(d.out, "<li>%s</li>\n", template.HTMLEscapeString(text)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(d.out, "</ul>\n")
	return err
}

func (d *htmlDocument) section(s section) error {
	d.rows = 0
	_, err := fmt.Fprintf(d.out, "<section>\n<h2>%s</h2>\n<p class=\"quiet\">%s</p>\n",
		template.HTMLEscapeString(s.title), template.HTMLEscapeString(s.about))
	return err
}

func (d *htmlDocument) row(r row) error {
	d.rows++
	var b bytes.Buffer
	b.WriteString("<article><dl>\n")
	for _, f := range r {
		if err := pair(&b, f.name, f.value); err != nil {
			return err
		}
	}
	b.WriteString("</dl></article>\n")
	_, err := d.out.Write(b.Bytes())
	return err
}

func (d *htmlDocument) endSection() error {
	text := "</section>\n"
	if d.rows == 0 {
		text = "<p>Nothing.</p>\n" + text
	}
	_, err := io.WriteString(d.out, text)
	return err
}

func (d *htmlDocument) end() error {
	_, err := io.WriteString(d.out, "</body>\n</html>\n")
	return err
}

// pair writes a name and its value; what is empty is left out.
func pair(b *bytes.Buffer, name string, value any) error {
	var inner bytes.Buffer
	if err := show(&inner, value, namesIn(name, label)); err != nil {
		return err
	}
	if inner.Len() > 0 {
		fmt.Fprintf(b, "<dt>%s</dt><dd>%s</dd>\n", template.HTMLEscapeString(label(name)), inner.Bytes())
	}
	return nil
}

// naming gives a name within a value as it is shown.
type naming func(string) string

// namesIn gives how names are shown within the value of a name. Those of attributes are the
// workspace's own, and stay as they are: customerID, VIP.
func namesIn(name string, outside naming) naming {
	if name == "attributes" {
		return func(s string) string { return s }
	}
	return outside
}

func show(b *bytes.Buffer, value any, names naming) error {
	switch v := value.(type) {
	case nil:
	case string:
		b.WriteString(template.HTMLEscapeString(v))
	case bool:
		b.WriteString(map[bool]string{true: "yes", false: "no"}[v])
	case time.Time:
		b.WriteString(v.UTC().Format("2006-01-02 15:04:05"))
	case json.RawMessage:
		if len(v) == 0 {
			return nil
		}
		decoder := json.NewDecoder(bytes.NewReader(v))
		decoder.UseNumber()
		return showJSON(b, decoder, names)
	default:
		b.WriteString(template.HTMLEscapeString(fmt.Sprint(v)))
	}
	return nil
}

// showJSON writes the next value of a decoder, objects in the order in which they stand.
func showJSON(b *bytes.Buffer, d *json.Decoder, names naming) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := t.(json.Delim)
	if !ok {
		if n, isNumber := t.(json.Number); isNumber {
			return show(b, n.String(), names)
		}
		return show(b, t, names)
	}
	var inner bytes.Buffer
	for d.More() {
		name := ""
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = key.(string)
		}
		var value bytes.Buffer
		if err := showJSON(&value, d, namesIn(name, names)); err != nil {
			return err
		}
		switch {
		case value.Len() == 0:
		case delim == '{':
			fmt.Fprintf(&inner, "<dt>%s</dt><dd>%s</dd>", template.HTMLEscapeString(names(name)), value.Bytes())
		default:
			fmt.Fprintf(&inner, "<li>%s</li>", value.Bytes())
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	tag := map[json.Delim]string{'{': "dl", '[': "ol"}[delim]
	if inner.Len() > 0 {
		fmt.Fprintf(b, "<%s>%s</%s>", tag, inner.Bytes(), tag)
	}
	return nil
}

// label makes words of a name such as firstSeenAt.
func label(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case i == 0:
			b.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
