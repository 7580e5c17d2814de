package message

import "time"

// Account is a message as it is told to somebody outside: in a proof, or to the
// person it went to.
type Account struct {
	ID           int64      `json:"id"`
	Direction    Direction  `json:"direction"`
	Purpose      Purpose    `json:"purpose"`
	Campaign     *int64     `json:"campaign"`
	CampaignName string     `json:"campaignName"`
	Template     string     `json:"template"` // name and version
	Body         string     `json:"body"`
	Status       Status     `json:"status"`
	SkipReason   SkipReason `json:"skipReason"`
	SIDs         []string   `json:"sids" bun:"sids,array"` // Twilio's ids, of all attempts
	ErrorCode    int        `json:"errorCode"`
	CreatedAt    time.Time  `json:"createdAt"`
	SubmittedAt  *time.Time `json:"submittedAt"`
	AcceptedAt   *time.Time `json:"acceptedAt"`
	DeliveredAt  *time.Time `json:"deliveredAt"`
	ReadAt       *time.Time `json:"readAt"`
	EndedAt      *time.Time `json:"endedAt"`
}

// Statements are all that the trail may say about tries to send it.
func (a *Account) Statements() (all []string) {
	for _, sid := range append([]string{""}, a.SIDs...) {
		for _, status := range []Status{StatusAccepted, StatusFailed, StatusUnknown, StatusPending, StatusExpired, StatusCanceled, StatusSkipped} {
			word := string(status)
			all = append(all, Statement(a.ID, word, sid))
			if a.SkipReason != "" {
				all = append(all, Statement(a.ID, word+":"+string(a.SkipReason), sid))
			}
		}
	}
	return all
}
