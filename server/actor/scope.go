package actor

import (
	"context"
	"math/bits"
	"slices"

	"eventstream/server/apperr"
)

// Scopes is what an API token may be used for: a set of the constants below.
// Role and scopes must both allow an operation.
type Scopes uint16

// Scopes of API tokens.
const (
	ScopeRead           Scopes = 1 << iota // queries and subscriptions
	ScopeContactsWrite                     // contacts, consent, topics of contacts, imports, suppressions
	ScopeContactsExport                    // files with contacts and messages
	ScopeCampaignsWrite                    // segments, templates, topics, campaigns, and launching them
	ScopeMessagesWrite                     // replies, test messages, decisions on messages
	ScopeSettingsWrite                     // senders, settings, webhook events, the sandbox
	scopesEnd
)

// AllScopes is every scope.
const AllScopes = scopesEnd - 1

var scopeNames = []string{ // in the order of their bits
	"read", "contacts_write", "contacts_export", "campaigns_write", "messages_write", "settings_write",
}

// Includes reports whether all of other is in s.
func (s Scopes) Includes(other Scopes) bool { return s&other == other }

// Names lists the scopes in s.
func (s Scopes) Names() []string {
	names := make([]string, 0, bits.OnesCount16(uint16(s)))
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ScopesOf reads names, as Names gives them.
func ScopesOf(names []string) (Scopes, error) {
	var s Scopes
	for _, name := range names {
		i := slices.Index(scopeNames, name)
		if i < 0 {
			return 0, apperr.Invalid("scopes", "%q is not a scope", name)
		}
		s |= 1 << i
	}
	return s, nil
}

// RequireScope refuses an API token that lacks one of the scopes. Others have
// none: their role says it all.
func RequireScope(ctx context.Context, needed Scopes) error {
	if a := From(ctx); a.Kind == KindAPIToken && !a.Scopes.Includes(needed) {
		return apperr.New(apperr.CodeForbidden, "this API token lacks the scope %s", (needed &^ a.Scopes).Names()[0])
	}
	return nil
}
