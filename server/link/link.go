// Package link makes the short links of messages and counts who opened them.
//
// A link belongs to one button of one version of a template, in one campaign, and leads to one address, which never changes.
// What stands in a message is its token: the ids of the link and of the message, and a hash of both by a key of the
// installation. So nobody can make one, or turn one into another's, and it says nothing about anybody. Where it leads to is what the template says, with
// values of the contact behind the host alone: no token leads anywhere else.
//
// Following a link asks nothing of Postgres, but where its address has placeholders: destinations lie in the memory of each
// server (Book), and clicks are counted afterwards (Counter).
package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"eventstream/server/apperr"
	"eventstream/server/template"

	"github.com/uptrace/bun"
	"golang.org/x/net/idna"
)

// Path begins the address of a short link, behind the host.
const Path = "/l/"

// Link is a button that leads to an address.
type Link struct {
	bun.BaseModel `bun:"table:links,alias:l"`

	ID                int64  `bun:",pk,autoincrement"`
	CampaignID        *int64 // nil: messages outside campaigns
	TemplateVersionID int64
	Part              string // the button, as template.Link.Field names it
	Title             string // of the button
	Destination       string // with placeholders
	Tag               int64  // random, and in its tokens: a database that was restored gives ids a second time

	signer *Signer
	fixed  bool // its address is the same for everybody
}

// Counted is a link with who opened it.
type Counted struct {
	Link `bun:",extend"`

	Template string // its name
	Language string // of the template
	People   int64
	Clicks   int64
}

// UTM are the parameters that a campaign puts into the addresses of its links, so that the analytics of a website know where
// people come from. What an address says itself stays.
type UTM struct {
	Source   string `json:"source,omitempty"`
	Medium   string `json:"medium,omitempty"`
	Campaign string `json:"campaign,omitempty"`
}

const maxUTM = 100

var utmValue = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._~+|:-]*$`)

// Validate refuses what no analytics reads.
func (u UTM) Validate() error {
	var errs apperr.List
	for _, p := range u.pairs() {
		switch {
		case p.value == "":
		case len([]rune(p.value)) > maxUTM:
			_ = errs.Add(apperr.Invalid("utm."+p.name, "%q has more than %d characters", p.value, maxUTM))
		case !utmValue.MatchString(p.value):
			_ = errs.Add(apperr.Invalid("utm."+p.name, "%q: letters, digits, spaces and . _ ~ + | : - are allowed, and it begins with a letter or digit",
				p.value))
		}
	}
	return errs.Err()
}

// Empty reports whether nothing is put into addresses.
func (u UTM) Empty() bool { return u == UTM{} }

type pair struct{ name, value string }

func (u UTM) pairs() []pair {
	return []pair{{"source", u.Source}, {"medium", u.Medium}, {"campaign", u.Campaign}}
}

// Into puts the parameters into an address, in which placeholders may stand.
func (u UTM) Into(address string) string {
	rest, fragment, hasFragment := cutOutside(address, '#')
	_, query, hasQuery := cutOutside(rest, '?')
	var add []string
	for _, p := range u.pairs() {
		if p.value != "" && !names(query, "utm_"+p.name) {
			add = append(add, "utm_"+p.name+"="+strings.ReplaceAll(url.QueryEscape(p.value), "+", "%20"))
		}
	}
	if len(add) > 0 {
		if u, err := url.Parse(rest); err == nil && u.Path == "" && !hasQuery && !strings.Contains(rest, "{{") {
			rest += "/"
		}
		switch {
		case !hasQuery:
			rest += "?"
		case query != "" && !strings.HasSuffix(query, "&"):
			rest += "&"
		}
		rest += strings.Join(add, "&")
	}
	if hasFragment {
		rest += "#" + fragment
	}
	return rest
}

// names reports whether a query has a parameter, however its name is written.
func names(query, parameter string) bool {
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && decoded == parameter {
			return true
		}
	}
	return false
}

// InASCII writes an address as a header may hold it, which names the same place: hosts in Punycode (RFC 5891), all else in
// percent signs (RFC 3987, 3.1). Programs differ in how they read the bytes of other letters.
func InASCII(address string) string {
	ascii := func(s string) bool {
		return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
	}
	if ascii(address) {
		return address
	}
	if u, err := url.Parse(address); err == nil && !ascii(u.Hostname()) {
		if host, err := idna.Lookup.ToASCII(u.Hostname()); err == nil {
			address = strings.Replace(address, u.Hostname(), host, 1)
		}
	}
	var out strings.Builder
	for _, b := range []byte(address) {
		if b > unicode.MaxASCII {
			fmt.Fprintf(&out, "%%%02X", b)
			continue
		}
		out.WriteByte(b)
	}
	return out.String()
}

// cutOutside cuts at the first sign outside of placeholders.
func cutOutside(s string, sign byte) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], "{{") {
			if end := strings.Index(s[i:], "}}"); end > 0 {
				i += end + 1
				continue
			}
		}
		if s[i] == sign {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// Service makes links and tells who opened them.
type Service struct {
	db     bun.IDB
	signer *Signer
}

// NewService makes the service.
func NewService(idb bun.IDB, s *Signer) *Service { return &Service{idb, s} }

// Of gives the links of a version in a campaign, nil: outside campaigns, and makes those that are missing. They come in the order of
// compiled.Links.
func (s *Service) Of(ctx context.Context, campaignID *int64, versionID int64, compiled *template.Compiled, utm UTM) ([]*Link, error) {
	return s.of(ctx, s.db, campaignID, versionID, compiled, utm)
}

// Freeze makes the links of a version in a campaign that is being launched, in its transaction. They come in the order of
// compiled.Links.
func (s *Service) Freeze(ctx context.Context, tx bun.Tx, campaignID, versionID int64, compiled *template.Compiled, utm UTM) ([]*Link, error) {
	return s.of(ctx, tx, &campaignID, versionID, compiled, utm)
}

// Record counts clicks in the caller's transaction; one that is stored already counts no more.
func (s *Service) Record(ctx context.Context, tx bun.Tx, clicks []Click) error {
	_, err := record(ctx, tx, clicks)
	return err
}

func (s *Service) of(ctx context.Context, idb bun.IDB, campaignID *int64, versionID int64, compiled *template.Compiled, utm UTM) ([]*Link, error) {
	if len(compiled.Links) == 0 {
		return nil, nil
	}
	found, err := ofVersion(ctx, idb, campaignID, versionID)
	if err != nil {
		return nil, err
	}
	if len(found) < len(compiled.Links) {
		for _, part := range compiled.Links {
			l := &Link{
				CampaignID: campaignID, TemplateVersionID: versionID, Part: part.Field, Title: part.Title,
				Destination: utm.Into(part.Destination),
			}
			var tag [4]byte
			_, _ = rand.Read(tag[:]) // never fails, see crypto/rand
			l.Tag = int64(binary.BigEndian.Uint32(tag[:]))
			if err := insert(ctx, idb, l); err != nil {
				return nil, err
			}
		}
		if found, err = ofVersion(ctx, idb, campaignID, versionID); err != nil {
			return nil, err
		}
	}
	links := make([]*Link, len(compiled.Links))
	for i, part := range compiled.Links {
		l := found[part.Field]
		if l == nil {
			return nil, apperr.New(apperr.CodeUnavailable, "a link of the template was not kept")
		}
		address, err := template.ParseAddress(l.Destination)
		l.signer, l.fixed = s.signer, err == nil && address.Fixed()
		links[i] = l
	}
	return links, nil
}

// Thaw takes the links of a campaign away whose launch is taken back.
func (s *Service) Thaw(ctx context.Context, tx bun.Tx, campaignID int64) error {
	return removeOf(ctx, tx, campaignID)
}

// Samples are tokens for the reviewers of a version that is being submitted, by the names of their variables: they open what they
// are shown.
func (s *Service) Samples(ctx context.Context, versionID int64, compiled *template.Compiled) (map[string]string, error) {
	links, err := s.Of(ctx, nil, versionID, compiled, UTM{})
	tokens := make(map[string]string, len(links))
	for i, l := range links {
		tokens[compiled.Key(compiled.Links[i])] = l.Token(0)
	}
	return tokens, err
}

// OfCampaigns gives the links of campaigns with who opened them, by campaign, in the order in which they were made.
func (s *Service) OfCampaigns(ctx context.Context, ids []int64) (map[int64][]*Counted, error) {
	return countedOf(ctx, s.db, ids)
}

// OfMessages gives when the links of messages were opened, oldest first, at most 20 of each.
func (s *Service) OfMessages(ctx context.Context, ids []int64) (map[int64][]*Opening, error) {
	return openings(ctx, s.db, ids)
}
