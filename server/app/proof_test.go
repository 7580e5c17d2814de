package app_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/globalid"
	"eventstream/server/proof"

	"github.com/stretchr/testify/require"
)

// The proof of one contact and of one message is checked by the program alone, in a
// directory that has only the file and the public key; any byte that was changed is found.
func TestAProofIsCheckedWithTheFileAndThePublicKeyAlone(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(5)
	const address = "+4915100000002"
	e.settled(e.launch("spring", 1000))
	e.saysUntil(address, "STOP", func() bool {
		consent, _ := e.topicsOf(address)
		return consent == "OPTED_OUT"
	})
	e.settled(e.launch("summer", 1000)) // skips them
	mia, _ := e.person("mia", "VIEWER")
	id := e.idOf(address)
	status, _ := mia.download("/downloads/contacts/" + id + "/proof.txt")
	require.Equal(t, 403, status, "a viewer takes no proofs away")

	// The first key signs what the second one inherits: whoever noted the first can check.
	system := actor.With(t.Context(), actor.System)
	list, err := e.Services.Trail.Keys(system)
	require.NoError(t, err)
	keys := list[0].Public
	_, err = e.Services.Trail.Rotate(system)
	require.NoError(t, err)
	status, text := e.download("/downloads/contacts/" + id + "/proof.txt")
	require.Equal(t, 200, status, text)
	for i := range 5 {
		other := fmt.Sprintf("+4915%09d", 100000000+i)
		require.Equal(t, other == address, strings.Contains(text, other), "nobody else is in it")
	}
	noted, err := audit.ParseKeys(keys)
	require.NoError(t, err)
	r, err := proof.Check(text, noted)
	require.NoError(t, err)
	require.Len(t, r.File.Consents, 2, "the import's opt-in and the STOP")
	require.Contains(t, r.File.Consents[0].Statement, `"file":"small.csv"`)
	require.NotNil(t, r.File.Consents[0].Leaf)
	require.Contains(t, r.File.Consents[1].Statement, `"text":"STOP"`)
	require.NotZero(t, r.File.Consents[1].Entry)
	var outcomes []string
	var first int64
	for _, m := range r.File.Messages {
		for _, s := range m.Statements {
			outcomes = append(outcomes, strings.Split(s.Statement, " ")[2])
		}
		if m.CampaignName == "spring" {
			first = m.ID
			require.Contains(t, m.Body, "Hello Person 2, this is spring for you.")
		}
		if m.CampaignName == "summer" {
			asked := map[string]string{}
			for _, q := range m.Questions {
				if q.Passed != nil && !*q.Passed {
					asked[q.Question] = q.Detail
				}
			}
			require.Contains(t, asked["Not opted out"], "STOP", "the question that stopped it, and the words")
		}
	}
	require.Equal(t, []string{"accepted", "accepted"}, outcomes, "spring and the confirmation")
	require.Equal(t, 4, r.Proven)
	require.Equal(t, 2, r.Told, "what they wrote, and what was left out when the audience was taken")

	status, one := e.download(fmt.Sprintf("/downloads/messages/%s/proof.txt", globalid.Encode("Message", first)))
	require.Equal(t, 200, status, one)
	single, err := proof.Check(one, noted)
	require.NoError(t, err)
	require.Len(t, single.File.Messages, 1)
	require.Len(t, single.File.Consents, 2)

	// Every byte counts.
	for i := 0; i < len(text); i += 7 {
		changed := text[:i] + string(text[i]^1) + text[i+1:]
		_, err := proof.Check(changed, noted)
		require.Error(t, err, "byte %d", i)
	}
	for i := strings.LastIndex(text, "---"); i < len(text); i++ {
		_, err := proof.Check(text[:i]+text[i+1:], noted)
		require.Error(t, err, "byte %d removed", i)
	}

	// By the program as it is built, elsewhere, without any configuration.
	dir := t.TempDir()
	binary := filepath.Join(t.TempDir(), "server")
	out, err := exec.Command("go", "build", "-o", binary, "eventstream/server").CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proof.txt"), []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.txt"), []byte(keys), 0o600))
	check := func(file string) (string, error) {
		cmd := exec.Command(binary, "audit", "check", "--key", "key.txt", file)
		cmd.Dir, cmd.Env = dir, []string{}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	said, err := check("proof.txt")
	require.NoError(t, err, said)
	require.Contains(t, said, "The proof is whole")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "changed.txt"), []byte(strings.Replace(text, "STOP", "STAY", 1)), 0o600))
	said, err = check("changed.txt")
	require.Error(t, err)
	require.Contains(t, said, "proves nothing")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 3, "it needs nothing and leaves nothing")
}

// All about one contact, over HTTP: who may have it, that nothing keeps it, and that the
// page may run nothing.
func TestWhatIsKeptAboutAContactIsDownloaded(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.small(3)
	e.settled(e.launch("spring", 1000))
	const address = "+4915100000001"
	path := "/downloads/contacts/" + e.idOf(address) + "/data."
	mia, _ := e.person("mia", "VIEWER")
	status, _ := mia.download(path + "json")
	require.Equal(t, 403, status, "a viewer takes no data away")
	for format, typ := range map[string]string{"json": "application/json", "html": "text/html; charset=utf-8"} {
		resp, err := e.http.Get(e.URL + path + format)
		require.NoError(t, err)
		raw, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)
		require.Equal(t, typ, resp.Header.Get("Content-Type"))
		require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
		require.Contains(t, string(raw), "Hello Person 1, this is spring for you.")
		require.Contains(t, string(raw), "small.csv")
		require.NotContains(t, string(raw), "+4915100000002")
		require.NotContains(t, string(raw), "ada@shop.example")
		if format == "html" {
			require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
			require.NotContains(t, resp.Header.Get("Content-Security-Policy"), "script-src")
		}
	}
	require.Equal(t, 2, e.query("SELECT count(*) FROM audit_entries WHERE action = 'contact_data.download'"))
}
