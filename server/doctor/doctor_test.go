package doctor_test

import (
	"context"
	"net"
	"testing"
	"time"

	"eventstream/server/config"
	"eventstream/server/doctor"
	"eventstream/server/twilio"

	"github.com/stretchr/testify/require"
)

// Whoever takes a connection and says nothing keeps nobody: each check ends, all at
// about the same time.
func TestWhatHangsHasFailed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	silent := "http://" + l.Addr().String()
	hang := func(ctx context.Context) error { select {} }
	began := time.Now()
	found := doctor.New(doctor.Options{
		Config: config.Config{ListenAddr: "127.0.0.1:0", DataDir: t.TempDir()}, Now: time.Now, PublicURL: silent,
		Twilio: doctor.Twilio{BaseURL: silent}, Signers: []twilio.Account{{SID: "AC", AuthToken: "t"}}, SMTP: hang, Provider: hang,
		DBError: "it is away", Limit: 300 * time.Millisecond,
	}).Examine(t.Context())
	require.Less(t, time.Since(began), time.Minute)
	require.Equal(t, doctor.Failed, doctor.Worst(found))
	states := map[string]doctor.State{}
	for _, f := range found {
		states[f.Check] = f.State
		require.NotEmpty(t, f.Found, f.Check)
	}
	for _, check := range []string{"public_url", "twilio", "smtp", "provider", "migrations", "backup"} {
		require.Equal(t, doctor.Failed, states[check], check)
	}
}
