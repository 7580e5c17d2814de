package bench

import (
	"context"
	"regexp"
	"sync"
	"testing"

	"eventstream/server/config"
	"eventstream/server/message"
	"eventstream/server/template"
	"eventstream/server/twilio"

	"github.com/caarlos0/env/v11"
	"github.com/stretchr/testify/require"
)

// TestTheSinkSpeaksEnoughOfTwilio: the engine's own client sends to it, and gets
// a template approved.
func TestTheSinkSpeaksEnoughOfTwilio(t *testing.T) {
	t.Parallel()
	sink, err := NewSink()
	require.NoError(t, err)
	defer sink.Close()
	vars := env.ToMap(append(sink.Env(), "DATABASE_URL=postgres://user@127.0.0.1/db"))
	cfg, err := env.ParseAsWithOptions[config.Config](env.Options{Environment: vars})
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	require.True(t, cfg.Twilio.Live())
	client, err := twilio.New(twilio.Options{
		AccountSID: cfg.Twilio.AccountSID, AuthToken: string(cfg.Twilio.AuthToken), BaseURL: cfg.Twilio.APIBaseURL,
		PublicURL: "http://127.0.0.1",
	})
	require.NoError(t, err)

	ctx := context.Background()
	sid, err := client.Create(ctx, template.ContentSpec{
		Name: "offer", Language: "en", Body: "Hi {{1}}!",
		Variables: map[string]string{"1": "Ada"},
	})
	require.NoError(t, err)
	require.NoError(t, client.Submit(ctx, sid, "offer", template.CategoryUtility))
	decision, err := client.Decision(ctx, sid)
	require.NoError(t, err)
	require.Equal(t, template.ApprovalApproved, decision.Approval)

	const callers, each = 16, 50
	var mu sync.Mutex
	sids := map[string]bool{}
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for range each {
				ok, err := client.Send(ctx, message.Outgoing{
					MessageID: 1, From: sinkSender, To: "+4915112345678",
					ContentSID: sid,
				})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				sids[ok.SID] = true
				mu.Unlock()
			}
		})
	}
	running.Wait()
	require.Len(t, sids, callers*each, "each has its own SID")
	require.Equal(t, callers*each, sink.Accepted())
	for one := range sids {
		require.Regexp(t, regexp.MustCompile(`^SM[0-9a-f]{32}$`), one)
		break
	}
	answer, err := client.Log(ctx, message.LogQuery{
		Direction: message.Outbound, From: sinkSender,
		To: "+4915112345678",
	})
	require.NoError(t, err)
	require.Empty(t, answer.Entries)
	none, err := client.Fetch(ctx, "SM0")
	require.NoError(t, err)
	require.Nil(t, none)
}

// BenchmarkSink is the engine's own client against the sink: the engine's ceiling.
func BenchmarkSink(b *testing.B) {
	sink, err := NewSink()
	require.NoError(b, err)
	defer sink.Close()
	client, err := twilio.New(twilio.Options{
		AccountSID: SinkAccountSID, AuthToken: SinkAuthToken,
		BaseURL: sink.URL(), PublicURL: "http://127.0.0.1",
	})
	require.NoError(b, err)
	out := message.Outgoing{
		MessageID: 1, From: sinkSender, To: "+4915112345678", ContentSID: "HX00000000000000000000000000000000",
		ContentVariables: map[string]string{"1": "Ada", "2": "Berlin"},
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Send(context.Background(), out); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
