package audience

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/csvcell"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

// exportLife is how long an export can be downloaded.
const exportLife = 24 * time.Hour

const stretch = 2000

// OpenExport checks that an export may be downloaded now: by who asked for it,
// or an admin, within a day.
func (s *Service) OpenExport(ctx context.Context, id int64) (*Action, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	a, err := s.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	who := actor.From(ctx)
	mine := a.OperatorID != nil && who.Kind == actor.KindOperator && who.ID == *a.OperatorID
	switch {
	case a.Kind != KindExport:
		return nil, apperr.NotFound("export", id)
	case !mine && !who.Role.Includes(actor.RoleAdmin) && a.OperatorID != nil:
		return nil, apperr.New(apperr.CodeForbidden, "only who asked for an export, or an admin, downloads it")
	case a.Status == StatusCanceled || s.now().Sub(a.CreatedAt) > exportLife:
		return nil, apperr.Conflict("this export is over: start a new one")
	}
	return a, nil
}

// WriteExport streams the contacts of an export, a stretch at a time: no
// snapshot is held, nothing is stored, memory does not grow.
func (s *Service) WriteExport(ctx context.Context, a *Action, out io.Writer) error {
	if err := s.segments.Narrow(ctx, s.db, &a.Selection); err != nil {
		return err
	}
	topics, err := s.topics.List(ctx)
	if err != nil {
		return err
	}
	write, flush, err := s.exporter(ctx, a, out)
	if err != nil {
		return err
	}
	a.Reached, a.Done, a.Changed = 0, 0, 0
	for {
		rows, err := contact.Stretch(ctx, s.db, a.Selection, a.Reached, a.Newest, stretch)
		if err != nil {
			return s.broken(ctx, a, err)
		}
		if len(rows) == 0 {
			break
		}
		standing, err := s.topics.OfContacts(ctx, contact.IDs(rows))
		if err != nil {
			return s.broken(ctx, a, err)
		}
		for _, c := range rows {
			if err := write(c, onTopics(standing[c.ID], topics)); err != nil {
				return s.broken(ctx, a, err)
			}
		}
		if err := flush(); err != nil {
			return s.broken(ctx, a, err)
		}
		a.Reached = rows[len(rows)-1].ID
		a.Done += int64(len(rows))
		if err := s.told(ctx, a, StatusRunning); err != nil {
			return err
		}
	}
	return errors.Join(flush(), s.told(ctx, a, StatusCompleted))
}

// broken leaves an export whose download broke off ready for the next.
func (s *Service) broken(ctx context.Context, a *Action, err error) error {
	_ = s.told(context.WithoutCancel(ctx), a, StatusPending)
	return err
}

func (s *Service) told(ctx context.Context, a *Action, status Status) error {
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if status == StatusCompleted {
			return s.finish(ctx, tx, a, status, "")
		}
		a.Status, a.FinishedAt = status, nil
		if a.StartedAt == nil {
			now := s.now()
			a.StartedAt = &now
		}
		return save(ctx, tx, a)
	})
	s.hub.Publish(pubsub.TopicBulk, a.ID)
	return err
}

// exporter gives a writer of contacts in the export's format. CSV columns are
// named as the importer reads them.
func (s *Service) exporter(ctx context.Context, a *Action, out io.Writer) (write func(c *contact.Contact, topics []string) error, flush func() error, err error) {
	if a.Options.Format == FormatNDJSON {
		buf := bufio.NewWriterSize(out, 64<<10)
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		return func(c *contact.Contact, topics []string) error { return enc.Encode(exported(c, topics)) }, buf.Flush, nil
	}
	keys, err := contact.KeysIn(ctx, s.db, a.Selection)
	if err != nil {
		return nil, nil, err
	}
	if _, err := io.WriteString(out, "\ufeff"); err != nil { // Excel takes UTF-8 for Latin-1 without it
		return nil, nil, err
	}
	w := csv.NewWriter(out)
	header := []string{"phone", "name", "locale", "region", "time_zone", "consent", "consent_at", "topics", "reachable", "last_inbound_at", "created_at"}
	for _, k := range keys {
		header = append(header, csvcell.Guard(k))
	}
	if err := w.Write(header); err != nil {
		return nil, nil, err
	}
	cells := make([]string, 0, len(header))
	write = func(c *contact.Contact, topics []string) error {
		cells = append(cells[:0], c.Address, csvcell.Guard(c.Name), csvcell.Guard(c.Locale), c.Region, c.TimeZone, string(c.ConsentStatus), stamp(c.ConsentAt), csvcell.Guard(strings.Join(topics, ", ")), fmt.Sprint(c.Reachable), stamp(c.LastInboundAt), stamp(&c.CreatedAt))
		for _, k := range keys {
			cells = append(cells, csvcell.Guard(cell(c.Attributes[k])))
		}
		return w.Write(cells)
	}
	return write, func() error { w.Flush(); return w.Error() }, nil
}

type exportedContact struct {
	Phone         string         `json:"phone"`
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

func exported(c *contact.Contact, topics []string) exportedContact {
	return exportedContact{
		Phone: c.Address, Name: c.Name, Locale: c.Locale, Region: c.Region, TimeZone: c.TimeZone, Consent: string(c.ConsentStatus), ConsentAt: stamp(c.ConsentAt),
		Topics: topics, Reachable: c.Reachable, LastInboundAt: stamp(c.LastInboundAt), CreatedAt: stamp(&c.CreatedAt), Attributes: c.Attributes,
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
