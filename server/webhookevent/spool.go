package webhookevent

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"eventstream/server/provider"
	"eventstream/server/spool"
)

// Spool keeps events on disk while Postgres is away: see package spool.
type Spool struct{ *spool.Spool }

// OpenSpool opens the directory, and takes over what processes that are gone left there.
func OpenSpool(dir string, limit int64, log *slog.Logger) (*Spool, error) {
	s, err := spool.Open(dir, "webhooks", limit, log)
	return &Spool{s}, err
}

// Append keeps events and returns once they are on disk.
func (s *Spool) Append(events []*Event) error {
	records := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if records[i], err = json.Marshal(spooledOf(e)); err != nil {
			return fmt.Errorf("webhook spool: %w", err)
		}
	}
	return s.Spool.Append(records)
}

// decode gives the events of a segment's records in order; damaged: whole ones behind them cannot be read.
func decode(records [][]byte) (events []*Event, damaged bool) {
	for i, raw := range records {
		var kept spooled
		if json.Unmarshal(raw, &kept) != nil {
			return events, i < len(records)-1
		}
		events = append(events, kept.event())
	}
	return events, false
}

// spooled is an event as it lies on disk: only what a request brought.
type spooled struct {
	Kind       Kind              `json:"k"`
	SID        string            `json:"s"`
	DedupeKey  string            `json:"d"`
	MessageID  int64             `json:"m,omitempty"`
	Params     map[string]string `json:"p"`
	Headers    map[string]string `json:"h"`
	Signed     bool              `json:"v"`
	ArrivedAt  *time.Time        `json:"a"`
	HappenedAt *time.Time        `json:"t,omitempty"`
	ContactKey string            `json:"c,omitempty"`
	Urgent     bool              `json:"u,omitempty"`
	Signature  string            `json:"g,omitempty"`
	Content    int64             `json:"n,omitempty"`
	Provider   provider.Name     `json:"o,omitempty"`
}

func spooledOf(e *Event) spooled {
	return spooled{
		Kind: e.Kind, SID: e.SID, DedupeKey: e.DedupeKey, MessageID: e.MessageID, Params: e.Params, Headers: e.Headers,
		Signed: e.SignatureValid, ArrivedAt: e.ArrivedAt, HappenedAt: e.HappenedAt, ContactKey: e.ContactKey, Urgent: e.Urgent,
		Signature: e.SignatureKey, Content: e.ContentKey, Provider: e.Provider,
	}
}

func (k spooled) event() *Event {
	return &Event{
		Kind: k.Kind, SID: k.SID, DedupeKey: k.DedupeKey, MessageID: k.MessageID, Params: k.Params, Headers: k.Headers,
		SignatureValid: k.Signed, ArrivedAt: k.ArrivedAt, HappenedAt: k.HappenedAt, ContactKey: k.ContactKey, Urgent: k.Urgent,
		SignatureKey: k.Signature, ContentKey: k.Content, Provider: k.Provider, Source: SourceSpool,
	}
}
