package experiment

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
	"strings"
)

// Assignment is a function of a key and of a contact, with nothing stored: preparing again
// gives everybody the same place, and anybody who has the key can compute it again. The
// key is drawn at random for each campaign, so that being held out of one, or getting the
// second wording, says nothing of the next campaign; a standing holdout has one key of its
// own.
//
// From SHA-256 of the key followed by the contact's id, as 8 bytes with the highest first,
// come three numbers that say nothing of one another: bytes 1–4 decide who is held out,
// 5–8 who is in the test, 9–12 which variant. What is asked for in percent or as weights
// becomes a bound from 0 to 2³² by arithmetic that is done here only. SQL gets the bound
// and compares whole numbers, so that both agree on every contact.

// everybody is one more than the highest number.
const everybody = int64(1) << 32

// Numbers are those that a contact draws in one campaign.
type Numbers struct {
	Holdout uint32 // decides HeldOut
	Test    uint32 // decides InTest
	Place   uint32 // decides Variant
}

// Draw gives the numbers of a contact, by its id in the database.
func Draw(key []byte, contactID int64) Numbers {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte(nil), key...), uint64(contactID)))
	return Numbers{
		Holdout: binary.BigEndian.Uint32(sum[0:4]),
		Test:    binary.BigEndian.Uint32(sum[4:8]),
		Place:   binary.BigEndian.Uint32(sum[8:12]),
	}
}

// threshold turns a percentage, 0 to 100, into the number below which a contact belongs to
// it. Anything outside counts as the nearer end, and what is no number as 0.
func threshold(percent float64) int64 {
	if math.IsNaN(percent) {
		return 0
	}
	return int64(math.Round(min(max(percent, 0), 100) / 100 * float64(everybody)))
}

// bounds gives for each variant the number below which a contact belongs to it or to an
// earlier one. Weights are relative and at most MostWeight; 0 gives a variant nobody, and
// below 0 counts as 0. Where all are 0, everybody belongs to the first variant.
func bounds(weights []int) []int64 {
	var total uint64
	clean := make([]uint64, len(weights))
	for i, w := range weights {
		clean[i] = uint64(min(max(w, 0), MostWeight))
		total += clean[i]
	}
	until := make([]int64, len(weights))
	var sum uint64
	for i, w := range clean {
		if total == 0 {
			until[i] = everybody
			continue
		}
		sum += w
		hi, lo := bits.Mul64(sum, uint64(everybody))
		quotient, _ := bits.Div64(hi, lo, total)
		until[i] = int64(quotient)
	}
	return until
}

// MostWeight is the highest weight that a variant may have.
const MostWeight = 1_000_000

// HeldOut tells whether the contact is held out where percent, 0 to 100, of all are.
func (n Numbers) HeldOut(percent float64) bool {
	return int64(n.Holdout) < threshold(percent)
}

// InTest tells whether the contact is in the test where percent, 0 to 100, of all are.
func (n Numbers) InTest(percent float64) bool {
	return int64(n.Test) < threshold(percent)
}

// Variant gives the place of the contact's variant, from 0, where each gets as large a part of
// the recipients as its weight is of all weights: whole numbers up to MostWeight, of which
// one at least is above 0. Without weights it is 0.
func (n Numbers) Variant(weights []int) int {
	for i, until := range bounds(weights) {
		if int64(n.Place) < until {
			return i
		}
	}
	return 0
}

// HeldOutSQL is HeldOut for Postgres: a boolean expression with placeholders (?) and
// their arguments. The contact is an SQL expression of type bigint, written by the program
// and never taken from outside.
func HeldOutSQL(contact string, key []byte, percent float64) (string, []any) {
	return numberSQL(contact, 1) + " < ?", []any{key, threshold(percent)}
}

// InTestSQL is InTest for Postgres, as HeldOutSQL is HeldOut.
func InTestSQL(contact string, key []byte, percent float64) (string, []any) {
	return numberSQL(contact, 5) + " < ?", []any{key, threshold(percent)}
}

// VariantSQL is Numbers.Variant for Postgres, as HeldOutSQL is HeldOut: an expression of type
// integer, from 0.
func VariantSQL(contact string, key []byte, weights []int) (string, []any) {
	if len(weights) < 2 {
		return "0", nil
	}
	// width_bucket counts the bounds that are not above the number.
	args := []any{key}
	for _, until := range bounds(weights)[:len(weights)-1] {
		args = append(args, until)
	}
	marks := strings.TrimSuffix(strings.Repeat("?, ", len(weights)-1), ", ")
	return "width_bucket(" + numberSQL(contact, 9) + ", ARRAY[" + marks + "]::bigint[])", args
}

// numberSQL is the number in the four bytes from the given one, counted from 1.
func numberSQL(contact string, from int) string {
	return "('x' || encode(substr(sha256(?::bytea || int8send(" + contact + ")), " +
		string(rune('0'+from)) + ", 4), 'hex'))::bit(32)::bigint"
}
