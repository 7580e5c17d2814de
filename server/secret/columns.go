package secret

import "strconv"

// Column is a column of the database in which what Seal made lies, one row for
// each owner. A CHECK constraint named <table>_<column>_sealed refuses anything
// else there.
type Column struct {
	Table, Name string

	purpose string
}

// The columns of secrets. After a rotation all of Columns are encrypted anew.
var (
	TOTPSeed   = Column{Table: "operators", Name: "totp_seed", purpose: "totp seed"}
	AddressKey = Column{Table: "address_keys", Name: "sealed", purpose: "address key"}
	LinkKey    = Column{Table: "link_keys", Name: "sealed", purpose: "link key"}
	AuditKey   = Column{Table: "audit_keys", Name: "sealed", purpose: "audit key"}

	// Twilio's credentials, as an admin entered them.
	AuthToken = Column{Table: "provider_credentials", Name: "auth_token", purpose: "provider auth token"}
	APISecret = Column{Table: "provider_credentials", Name: "api_secret", purpose: "provider API secret"}
	// PreviousToken is the auth token before, which still signs for a while.
	PreviousToken = Column{Table: "provider_credentials", Name: "previous_auth_token", purpose: "provider previous auth token"}
	// SenderWebhook is where another system got what people write, with what signs in there.
	SenderWebhook = Column{Table: "sender_webhooks", Name: "webhooks_sealed", purpose: "webhooks of a sender"}

	Columns = []Column{TOTPSeed, AddressKey, AuditKey, AuthToken, APISecret, PreviousToken, SenderWebhook, LinkKey}
)

// Purpose is that of the secret in the row with this id.
func (c Column) Purpose(id int64) string { return c.purpose + " " + strconv.FormatInt(id, 10) }

// String names the column as SQL does.
func (c Column) String() string { return c.Table + "." + c.Name }
