package audience

import (
	"context"
	"slices"

	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"

	"github.com/uptrace/bun"
)

// erase takes everything personal from contacts (GDPR Art. 17), and from those
// merged into them: profile, number and topics, texts of messages, what Twilio
// sent about them. What stays: the rows themselves without a person, counters, the
// consent ledger with the keyed hash of the number (Art. 17(3)(e), as proof),
// and a suppression of that hash, so that no old list brings them back.
func (s *Service) erase(ctx context.Context, tx bun.Tx, rows []*contact.Contact) error {
	merged, err := contact.MergedInto(ctx, tx, contact.IDs(rows))
	if err != nil {
		return err
	}
	all := slices.Concat(rows, merged)
	keys := make([]string, len(all))
	for i, c := range all {
		keys[i] = c.MatchKey
	}
	if _, err := s.consents.Suppress(ctx, tx, keys, consent.SuppressedErased, nil); err != nil {
		return err
	}
	gone := contact.IDs(all)
	if err := scrub(ctx, tx, gone); err != nil {
		return err
	}
	if err := s.topics.Forget(ctx, tx, gone); err != nil {
		return err
	}
	if err := contact.Erase(ctx, tx, gone); err != nil {
		return err
	}
	return audit.RecordEach(ctx, tx, "contact.erase", "contact", gone)
}
