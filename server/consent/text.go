package consent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/db"
	"eventstream/server/globalid"

	"github.com/uptrace/bun"
)

// Text is a version of a text by which people agreed. It never changes: another
// wording, or another language, is another version.
type Text struct {
	bun.BaseModel `bun:"table:consent_texts,alias:ct"`

	ID         int64     `bun:",pk,autoincrement"`
	SHA256     []byte    `bun:"sha256"` // see TextSHA256
	Locale     string    // BCP 47; "" = not said
	Content    string    //
	OperatorID *int64    // who used it first; nil: a program
	CreatedAt  time.Time `bun:",nullzero"` // when it was used first
}

// TextSHA256 names a version by its content.
func TextSHA256(locale, content string) []byte {
	sum := sha256.Sum256([]byte(locale + "\x00" + content))
	return sum[:]
}

// agreedTo reports whether the evidence's text is what people were shown, rather than
// words of their own or a word of a file.
func (e *Event) agreedTo() bool {
	return e.Evidence.Text != "" && e.Status == contact.ConsentOptedIn && e.Source != SourceKeyword && e.Source != SourceProvider
}

// keepTexts stores the texts by which people agreed, once each, and has the events
// point to them.
func keepTexts(ctx context.Context, tx bun.Tx, events []*Event) error {
	type wording struct{ language, text string }
	versions, of := map[string]*Text{}, map[wording]*Text{}
	for _, e := range events {
		w := wording{e.Evidence.Language, e.Evidence.Text}
		if !e.agreedTo() || of[w] != nil { // thousands of rows have one text
			continue
		}
		of[w] = &Text{SHA256: TextSHA256(w.language, w.text), Locale: w.language, Content: w.text, OperatorID: e.OperatorID}
		versions[string(of[w].SHA256)] = of[w]
	}
	if len(versions) == 0 {
		return nil
	}
	if err := saveTexts(ctx, tx, versions); err != nil {
		return err
	}
	for _, e := range events {
		if !e.agreedTo() {
			continue
		}
		t := of[wording{e.Evidence.Language, e.Evidence.Text}]
		e.Shown = t
		e.Evidence.Text, e.Evidence.TextID, e.Evidence.TextSHA256 = "", t.ID, hex.EncodeToString(t.SHA256)
	}
	return nil
}

// WithTexts fills in what the events point to.
func WithTexts(ctx context.Context, idb bun.IDB, events []*Event) error {
	ids := map[int64]bool{}
	for _, e := range events {
		if e.Evidence.TextID != 0 {
			ids[e.Evidence.TextID] = true
		}
	}
	found, err := texts(ctx, idb, slices.Collect(maps.Keys(ids)))
	for _, e := range events {
		e.Shown = found[e.Evidence.TextID]
	}
	return err
}

// FillText puts the text in the place of its id, which a caller may give instead.
func (s *Service) FillText(ctx context.Context, field string, e *Evidence) error {
	if e.TextID == 0 {
		return nil
	}
	if e.Text != "" {
		return apperr.Invalid(field, "give the text or the id of one, not both")
	}
	found, err := texts(ctx, s.db, []int64{e.TextID})
	if err != nil {
		return err
	}
	t := found[e.TextID]
	if t == nil {
		return apperr.Invalid(field, "%q is the id of no consent text", globalid.Encode("ConsentText", e.TextID))
	}
	e.Text, e.Language, e.TextID = t.Content, t.Locale, 0
	return nil
}

// Texts gives a page of the versions, newest first.
func (s *Service) Texts(ctx context.Context, p db.Page) (db.Slice[*Text], error) {
	return textPage(ctx, s.db, p)
}

// TextByID finds one version.
func (s *Service) TextByID(ctx context.Context, id int64) (*Text, error) {
	found, err := texts(ctx, s.db, []int64{id})
	if err == nil && found[id] == nil {
		err = apperr.NotFound("consent text %v does not exist", id)
	}
	return found[id], err
}
