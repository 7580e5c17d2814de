package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"

	"eventstream/server/secret"
)

// Token is the auth token of the sandbox in this data directory, made at the first call: whoever knows it may sign
// webhooks, so that no two installations share one.
func Token(dataDir string) (string, error) {
	tokens, err := secret.EnsureFile(filepath.Join(dataDir, "sandbox.token"), func() string {
		token := make([]byte, 16) // as long as Twilio's
		_, _ = rand.Read(token)   // never fails, see crypto/rand
		return hex.EncodeToString(token)
	})
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return tokens[0], nil
}
