package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"eventstream/server/contact"
	"eventstream/server/csvcell"
	"eventstream/server/topic"
)

// Format of a file of contacts.
type Format string

// Formats.
const (
	FormatCSV    Format = "csv"
	FormatXLSX   Format = "xlsx"
	FormatNDJSON Format = "ndjson"
)

// Contacts says which contacts are written, and how.
type Contacts struct {
	Selection contact.Filter // compiled, see segment.Service.Narrow
	Newest    int64          // contacts with a higher id are left out
	Format    Format
}

const contactsSlice = 2000

// WriteContacts streams contacts in order of id, a slice at a time: no snapshot
// is held, nothing is stored, memory does not grow. progress hears after each
// slice how many are written; an error of it ends the stream.
func (s *Service) WriteContacts(ctx context.Context, what Contacts, out io.Writer,
	progress func(ctx context.Context, done int64) error,
) error {
	topics, err := s.topics.List(ctx)
	if err != nil {
		return err
	}
	write, flush, end, err := s.contactWriter(ctx, what, out)
	if err != nil {
		return err
	}
	var done int64
	for reached := int64(0); ; {
		rows, err := contact.Stretch(ctx, s.db, what.Selection, reached, what.Newest, contactsSlice)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return end()
		}
		standing, err := s.topics.OfContacts(ctx, contact.IDs(rows))
		if err != nil {
			return err
		}
		addresses, err := contact.AddressesOf(ctx, s.db, contact.IDs(rows))
		if err != nil {
			return err
		}
		for _, c := range rows {
			if err := write(c, addresses[c.ID], onTopics(standing[c.ID], topics)); err != nil {
				return err
			}
		}
		if err := flush(); err != nil {
			return err
		}
		reached = rows[len(rows)-1].ID
		done += int64(len(rows))
		if err := progress(ctx, done); err != nil {
			return err
		}
	}
}

type contactWriter func(c *contact.Contact, addresses []*contact.Known, topics []string) error

// contactWriter gives a writer of contacts in the format asked for. The columns of
// tables are named as the importer reads them.
func (s *Service) contactWriter(ctx context.Context, what Contacts, out io.Writer) (write contactWriter,
	flush, end func() error, err error,
) {
	if what.Format == FormatNDJSON {
		buf := bufio.NewWriterSize(out, 64<<10)
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		write = func(c *contact.Contact, addresses []*contact.Known, topics []string) error {
			return enc.Encode(exported(c, addresses, topics))
		}
		return write, buf.Flush, buf.Flush, nil
	}
	keys, err := contact.KeysIn(ctx, s.db, what.Selection)
	if err != nil {
		return nil, nil, nil, err
	}
	table, err := csvcell.NewTable(csvcell.Format(what.Format), out)
	if err != nil {
		return nil, nil, nil, err
	}
	header := []string{
		"phone", "bsuid", "name", "locale", "region", "time_zone", "consent", "consent_at", "topics", "reachable", "last_inbound_at",
		"created_at",
	}
	header = append(header, keys...)
	if err := table.Write(header); err != nil {
		return nil, nil, nil, err
	}
	cells := make([]string, 0, len(header))
	write = func(c *contact.Contact, addresses []*contact.Known, topics []string) error {
		cells = append(cells[:0], numberOf(c), strings.Join(idsOf(addresses), " "), c.Name, c.Locale, c.Region, c.TimeZone,
			string(c.ConsentStatus), stamp(c.ConsentAt), strings.Join(topics, ", "), fmt.Sprint(c.Reachable),
			stamp(c.LastInboundAt), stamp(&c.CreatedAt))
		for _, k := range keys {
			cells = append(cells, cell(c.Attributes[k]))
		}
		return table.Write(cells)
	}
	return write, table.Flush, table.Close, nil
}

type exportedContact struct {
	Phone         string         `json:"phone,omitempty"`
	BSUID         []string       `json:"bsuid,omitempty"`
	Name          string         `json:"name,omitempty"`
	Locale        string         `json:"locale,omitempty"`
	Region        string         `json:"region,omitempty"`
	TimeZone      string         `json:"time_zone,omitempty"`
	Consent       string         `json:"consent"`
	ConsentAt     string         `json:"consent_at,omitempty"`
	Topics        []string       `json:"topics,omitempty"`
	Reachable     bool           `json:"reachable"`
	LastInboundAt string         `json:"last_inbound_at,omitempty"`
	CreatedAt     string         `json:"created_at"`
	Attributes    map[string]any `json:"attributes,omitempty"`
}

// onTopics names the topics that a contact is subscribed to.
func onTopics(standing map[int64]*topic.Subscription, topics []*topic.Topic) (names []string) {
	for _, t := range topics {
		if sub := standing[t.ID]; sub != nil && sub.Status == topic.StatusSubscribed {
			names = append(names, t.Name)
		}
	}
	return names
}

// numberOf is the number that a contact is written to; "": there is none.
func numberOf(c *contact.Contact) string {
	if c.Kind != contact.KindPhone {
		return ""
	}
	return c.Address
}

// idsOf are the ids under which WhatsApp knows a contact. Imports read them too, so that
// whoever has no number is found again.
func idsOf(addresses []*contact.Known) (ids []string) {
	for _, a := range addresses {
		if a.Kind != contact.KindPhone {
			ids = append(ids, a.Address)
		}
	}
	return ids
}

func exported(c *contact.Contact, addresses []*contact.Known, topics []string) exportedContact {
	return exportedContact{
		Phone: numberOf(c), BSUID: idsOf(addresses), Name: c.Name, Locale: c.Locale, Region: c.Region, TimeZone: c.TimeZone,
		Consent: string(c.ConsentStatus), ConsentAt: stamp(c.ConsentAt), Topics: topics, Reachable: c.Reachable,
		LastInboundAt: stamp(c.LastInboundAt), CreatedAt: stamp(&c.CreatedAt), Attributes: c.Attributes,
	}
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// cell is a value of an attribute as one cell: lists and objects as JSON.
func cell(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		return fmt.Sprint(x)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
