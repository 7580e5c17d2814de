package app_test

import (
	"net/http"
	"strings"
	"testing"

	"eventstream/server/bucket/buckettest"
	"eventstream/server/config"
	"eventstream/server/doctor"
	"eventstream/server/health"
	"eventstream/server/say"

	"github.com/stretchr/testify/require"
)

// TestTheLibraryLiesInABucket: files go to Twilio from our own address with the same headers, and who runs this is told when the
// bucket does not answer.
func TestTheLibraryLiesInABucket(t *testing.T) {
	t.Parallel()
	server := buckettest.New(t)
	e := startWith(t, func(cfg *config.Config) {
		cfg.Media = config.Media{
			Bucket: buckettest.Name, Prefix: "shop", Endpoint: server.URL, Region: buckettest.Region, AccessKeyID: buckettest.AccessKey,
			SecretKey: buckettest.SecretKey,
		}
	})
	library := func() (level health.Level, detail string) {
		h, err := e.Services.Health.Look(t.Context(), say.Raw("sandbox"))
		require.NoError(t, err)
		for _, c := range h.Checks {
			if c.Name == "Media library" {
				return c.Level, c.Detail.String()
			}
		}
		t.Fatal("the health page says nothing of it")
		return "", ""
	}
	get := func(address string) (int, http.Header) {
		resp, err := http.Get(e.URL + address) //nolint:noctx // WhatsApp signs in nowhere
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode, resp.Header
	}
	require.Equal(t, doctor.OK, e.examined(same)["media"].State)
	id, address := e.library("Autumn sale.png")
	require.Contains(t, server.Keys()[0], "shop/")
	server.Fail(buckettest.Refuse(http.StatusForbidden, "AccessDenied"))
	status, _ := get(address)
	require.Equal(t, http.StatusServiceUnavailable, status, "WhatsApp tries again")
	level, detail := library()
	require.Equal(t, health.LevelBad, level)
	require.Equal(t, "s3://shop/shop/: the bucket answered 403 AccessDenied not like this", detail)
	found := e.examined(same)["media"]
	require.Equal(t, doctor.Failed, found.State)
	require.Contains(t, found.Found.String(), "write: the bucket answered 403 AccessDenied")
	require.NotContains(t, found.Found.String(), buckettest.SecretKey)
	server.Fail(nil)
	status, header := get(address)
	require.Equal(t, http.StatusOK, status)
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Disposition": `inline; filename="autumn-sale.png"`,
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'; sandbox",
	} {
		require.Equal(t, want, header.Get(name), name)
	}

	template := e.must("templateCreate", "template", map[string]any{
		"name": "Autumn", "body": "Hi {{name | there}}, our sale has started.",
		"content": map[string]any{"header": map[string]any{"media": map[string]any{"kind": "IMAGE", "url": address}}},
	})
	approval, reason := e.approval(template)
	require.Equal(t, "APPROVED", approval, reason) // the sandbox has fetched it

	// A pre-flight tells of a file that the bucket has lost, and that nobody knows while it does not answer.
	e.small(1)
	camp := e.draft("with a picture", map[string]any{"templateId": template})
	warnings := func() string {
		var out struct {
			CampaignPreflight struct {
				Warnings []string
				Blockers []struct{ Message string }
			}
		}
		e.do(&out, `query($id: ID!) { campaignPreflight(id: $id) { warnings blockers { message } } }`, map[string]any{"id": camp})
		require.Empty(t, out.CampaignPreflight.Blockers)
		return strings.Join(out.CampaignPreflight.Warnings, "\n")
	}
	require.NotContains(t, warnings(), "file")
	kept := server.Bucket("")
	key := server.Keys()[0]
	picture, err := kept.Get(t.Context(), key, 1<<20)
	require.NoError(t, err)
	require.NoError(t, kept.Delete(t.Context(), key))
	require.Contains(t, warnings(), "the bucket of the media library does not have autumn-sale.png: upload the same file again")
	require.NoError(t, kept.Put(t.Context(), key, "image/png", picture))
	require.NotContains(t, warnings(), "file")
	server.Fail(buckettest.Refuse(http.StatusForbidden, "AccessDenied"))
	require.Contains(t, warnings(), "it is not known whether the files of the template can be shown")
	server.Fail(nil)

	_, second := e.library("again.png")
	require.Equal(t, address, second, "what is there is not kept twice")
	var deleted struct {
		MediaDelete struct{ UserErrors []struct{ Message string } }
	}
	e.do(&deleted, `mutation($id: ID!) { mediaDelete(input: {id: $id}) { userErrors { message } } }`, map[string]any{"id": id})
	require.Len(t, deleted.MediaDelete.UserErrors, 1, "the template shows it")
	require.Equal(t, doctor.NotApplicable, start(t).examined(same)["media"].State, "without a bucket")
}
