package message

import "fmt"

// Statement is what became of a try to send a message, in the words that the audit
// trail keeps the hash of: its id, the decision (with the reason of a skip after a
// colon) and Twilio's id.
func Statement(id int64, decision, sid string) string {
	return fmt.Sprintf("message %d: %s %s", id, decision, sid)
}
