package db

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"eventstream/server/apperr"

	"github.com/uptrace/bun"
)

// MaxPage is the most rows one page may ask for.
const MaxPage = 200

// Page is one request for part of a list, in Relay's terms.
type Page struct {
	First, Last   *int
	After, Before string // cursors
}

// Slice is one page of rows with what Relay wants to know about it.
type Slice[T any] struct {
	Items             []T
	HasNext, HasPrior bool
}

// Key is a column to sort by; lists always end with the id, so that the order
// is total. Type is Postgres' name of the column's type.
type Key struct {
	Column string
	Type   string
	Desc   bool
}

type cursor struct {
	Value string `json:"v,omitempty"`
	ID    int64  `json:"i"`
}

// Cursor encodes a row's place in the list. value is the sort column's value,
// "" when the list is sorted by id alone.
func Cursor(value string, id int64) string {
	raw, _ := json.Marshal(cursor{value, id})
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ParseCursor reads a cursor; field names it in the error.
func ParseCursor(field, s string) (string, int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	var c cursor
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return "", 0, apperr.Invalid(field, "%q is not a cursor of this list", s)
	}
	return c.Value, c.ID, nil
}

// Size checks first and last and gives the number of rows wanted and whether
// they come from the end.
func (p Page) Size() (int, bool, error) {
	if p.First != nil && p.Last != nil {
		return 0, false, apperr.Invalid("last", "give first or last, not both")
	}
	n, fromEnd, field := 50, false, "first"
	if p.First != nil {
		n = *p.First
	}
	if p.Last != nil {
		n, fromEnd, field = *p.Last, true, "last"
	}
	if n < 0 || n > MaxPage {
		return 0, false, apperr.Invalid(field, "%d is out of range: 0 to %d", n, MaxPage)
	}
	return n, fromEnd, nil
}

// Apply adds the page's conditions, order and limit to q, whose rows stand
// under alias. It asks for one row more than wanted; Cut takes it off again.
func (p Page) Apply(q *bun.SelectQuery, alias string, key *Key) (*bun.SelectQuery, error) {
	n, fromEnd, err := p.Size()
	if err != nil {
		return nil, err
	}
	desc := key != nil && key.Desc
	bound := func(field, cur string, after bool) error {
		if cur == "" {
			return nil
		}
		value, id, err := ParseCursor(field, cur)
		if err != nil {
			return err
		}
		op := ">"
		if after == desc {
			op = "<"
		}
		if key == nil || key.Column == "id" {
			q = q.Where("?.id "+op+" ?", bun.Ident(alias), id)
			return nil
		}
		if err := checkValue(key.Type, value); err != nil {
			return apperr.Invalid(field, "%q is not a cursor of this list", cur)
		}
		q = q.Where("(?.?, ?.id) "+op+" (?::"+key.Type+", ?)", bun.Ident(alias), bun.Safe(key.Column), bun.Ident(alias),
			value, id)
		return nil
	}
	if err := bound("after", p.After, true); err != nil {
		return nil, err
	}
	if err := bound("before", p.Before, false); err != nil {
		return nil, err
	}
	dir := "ASC"
	if desc != fromEnd {
		dir = "DESC"
	}
	if key != nil && key.Column != "id" {
		q = q.OrderExpr("?.? "+dir, bun.Ident(alias), bun.Safe(key.Column))
	}
	return q.OrderExpr("?.id "+dir, bun.Ident(alias)).Limit(int64(n) + 1), nil
}

func checkValue(typ, value string) error {
	switch typ {
	case "timestamptz":
		_, err := time.Parse(time.RFC3339Nano, value)
		return err
	case "bigint":
		_, err := strconv.ParseInt(value, 10, 64)
		return err
	}
	return nil
}

// Cut takes the extra row off and puts the rows in reading order.
func Cut[T any](p Page, rows []T) Slice[T] {
	n, fromEnd, _ := p.Size()
	more := len(rows) > n
	if more {
		rows = rows[:n]
	}
	if fromEnd {
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
		return Slice[T]{Items: rows, HasPrior: more, HasNext: p.Before != ""}
	}
	return Slice[T]{Items: rows, HasNext: more, HasPrior: p.After != ""}
}

// CutEach is Cut for the pages of many lists that were read together; of tells to which
// list a row belongs.
func CutEach[T any](p Page, rows []T, of func(T) int64) map[int64]Slice[T] {
	each := map[int64][]T{}
	for _, r := range rows {
		each[of(r)] = append(each[of(r)], r)
	}
	out := make(map[int64]Slice[T], len(each))
	for id, list := range each {
		out[id] = Cut(p, list)
	}
	return out
}
