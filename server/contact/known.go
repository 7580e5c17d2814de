package contact

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"
)

// AddressSource is how an address of a contact became known.
type AddressSource string

// Sources of addresses.
const (
	SourceMessage AddressSource = "message" // they wrote from it, or WhatsApp named it beside the one they wrote from
	SourceReceipt AddressSource = "receipt" // a receipt of a message to them named it
	SourceImport  AddressSource = "import"  //
	SourceOther   AddressSource = "other"   // typed in, or from before sources were kept
)

// Known is one address of a contact. A contact has one for each number and each
// id under which WhatsApp knows them; one of them is written to.
type Known struct {
	bun.BaseModel `bun:"table:contact_addresses,alias:a"`

	MatchKey    string        `bun:",pk"`
	ContactID   int64         //
	Address     string        // see Address.Wire
	Kind        Kind          //
	Source      AddressSource //
	Preferred   bool          // it is Contact.Address
	FirstSeenAt time.Time     // when it became known
	LastSeenAt  *time.Time    // when WhatsApp last named it; nil: never
}

// Distinct leaves every address once, the first one first and the others in the
// order in which their rows are written.
func Distinct(named []Address) []Address {
	seen := map[string]bool{}
	out := make([]Address, 0, len(named))
	for _, a := range named {
		if !seen[a.MatchKey] {
			seen[a.MatchKey] = true
			out = append(out, a)
		}
	}
	if len(out) > 1 {
		slices.SortFunc(out[1:], func(a, b Address) int { return strings.Compare(a.MatchKey, b.MatchKey) })
	}
	return out
}

// ReadIDs reads ids under which WhatsApp knows somebody. What is none is left out:
// it comes beside an address that is one, and proves nothing.
func ReadIDs(texts []string) (ids []Address) {
	for _, text := range texts {
		s := strings.TrimSpace(text)
		if len(s) > len("whatsapp:") && strings.EqualFold(s[:len("whatsapp:")], "whatsapp:") {
			s = s[len("whatsapp:"):]
		}
		if a, ok := readBSUID(s); ok {
			ids = append(ids, a)
		}
	}
	return ids
}

// Keys are the match keys of addresses.
func Keys(named []Address) []string {
	keys := make([]string, len(named))
	for i, a := range named {
		keys[i] = a.MatchKey
	}
	return keys
}

// ofContact is the kind of a contact that is written to at such an address: any
// id is one to contacts.kind.
func (k Kind) ofContact() Kind {
	if k == KindParentBSUID {
		return KindBSUID
	}
	return k
}

// AddressesOf gives all addresses of contacts, the preferred one first, then
// those seen last.
func (s *Service) AddressesOf(ctx context.Context, ids []int64) (map[int64][]*Known, error) {
	return AddressesOf(ctx, s.db, ids)
}
