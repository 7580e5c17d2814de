package contract

import (
	"net/http"
	"testing"
)

// Watch holds all that a sandbox gets and answers against Twilio's contract, until the end of the test, which fails with each
// breach. around is the sandbox's own Watch.
func Watch(t testing.TB, around func(func(http.Handler) http.Handler)) *Contract {
	t.Helper()
	c, err := Open()
	if err != nil {
		t.Fatalf("Twilio's contract: %v", err)
	}
	t.Cleanup(func() {
		for _, what := range c.Broken() {
			t.Errorf("breaks Twilio's contract: %s", what)
		}
	})
	around(c.Around)
	return c
}
