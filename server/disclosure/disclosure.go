// Package disclosure tells people what is kept about them (GDPR Art. 15 and 20): all
// about one contact, as JSON for programs and as a page for people. Both are written
// from the same rows, section by section and slice by slice, so that memory does not
// grow with the number of messages.
//
// Each section says which tables it reads. A test holds the list against the
// database: a table or a column that is neither told nor listed with a reason in
// exceptions.go fails it.
package disclosure

import (
	"context"
	"errors"
	"io"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/db"
)

// formatName is told in the file, so that a program knows what it reads.
const formatName = "eventstream-contact-data/1"

// slice is how many rows are read at a time.
const slice = 500

// Format of a file.
type Format string

// Formats.
const (
	JSON Format = "json"
	HTML Format = "html"
)

// Service tells.
type Service struct {
	db       *db.DB
	consents *consent.Service
	now      func() time.Time
}

// NewService makes the service.
func NewService(d *db.DB, consents *consent.Service, now func() time.Time) *Service {
	return &Service{db: d, consents: consents, now: now}
}

// Subject is whom a file is about.
type Subject struct {
	Contact *contact.Contact // who they are now
	Asked   int64            // the contact that was asked for, which may have been merged since

	family []int64  // the contact, and those that were merged into it
	hashes [][]byte // of all their addresses, as suppressions name them
}

// Open finds whom a contact is now, checks that the actor may have their data, and
// writes into the audit trail that they do.
func (s *Service) Open(ctx context.Context, id int64) (*Subject, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsExport); err != nil {
		return nil, err
	}
	c, err := contact.PersonOf(ctx, s.db, id)
	if err != nil {
		return nil, err
	}
	who := &Subject{Contact: c, Asked: id}
	if who.family, err = contact.FamilyOf(ctx, s.db, c.ID); err != nil {
		return nil, err
	}
	if who.hashes, err = s.consents.HashesOf(ctx, s.db, who.family); err != nil {
		return nil, err
	}
	return who, audit.Download(ctx, s.db, audit.ContactDataDownload, c.ID)
}

// Write writes all about them. Whatever is read while it is written may be newer than
// what was read before.
func (s *Service) Write(ctx context.Context, who *Subject, format Format, out io.Writer) error {
	var d document
	switch format {
	case JSON:
		d = &jsonDocument{out: out}
	case HTML:
		d = &htmlDocument{out: out}
	default:
		return errors.New("disclosure: unknown format")
	}
	if err := d.begin(heading{
		Format: formatName, MadeAt: s.now().UTC().Truncate(time.Second), Contact: who.Contact.ID, Asked: who.Asked,
		ErasedAt: who.Contact.ErasedAt, LeftOut: leftOut,
	}); err != nil {
		return err
	}
	for _, sec := range sections {
		if err := d.section(sec); err != nil {
			return err
		}
		if err := s.rows(ctx, who, sec, d.row); err != nil {
			return err
		}
		if err := d.endSection(); err != nil {
			return err
		}
	}
	return d.end()
}

// rows gives the rows of a section, slice by slice.
func (s *Service) rows(ctx context.Context, who *Subject, sec section, each func(row) error) error {
	for after := int64(-1 << 62); ; {
		rows, last, err := read(ctx, s.db, sec, who, after)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := each(r); err != nil {
				return err
			}
		}
		if len(rows) < slice {
			return nil
		}
		after = last
	}
}
