package guard_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/guard"

	"github.com/stretchr/testify/require"
)

func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	u := guard.NewUploads(guard.UploadLimits{Actor: 2, All: 3, Bytes: 100, Window: time.Hour}, func() time.Time { return at })
	ada, bob, machine := actor.Actor{Kind: actor.KindOperator, ID: 1}, actor.Actor{Kind: actor.KindOperator, ID: 2},
		actor.Actor{Kind: actor.KindAPIToken, ID: 1}
	done, err := u.Begin(ada)
	require.NoError(t, err)
	_, err = u.Begin(ada)
	require.NoError(t, err)
	_, err = u.Begin(ada)
	require.True(t, apperr.Is(err, apperr.CodeRateLimited))
	_, err = u.Begin(bob)
	require.NoError(t, err)
	_, err = u.Begin(machine)
	require.True(t, apperr.Is(err, apperr.CodeRateLimited), "all together")
	done()
	done() // once counts
	_, err = u.Begin(machine)
	require.NoError(t, err)
	_, err = u.Begin(bob)
	require.Error(t, err)

	read := func(who actor.Actor, n int) (int64, error) {
		return io.Copy(io.Discard, u.Reader(who, strings.NewReader(strings.Repeat("x", n))))
	}
	_, err = read(ada, 60)
	require.NoError(t, err)
	_, err = read(ada, 41)
	require.ErrorContains(t, err, "100 bytes within 1 h")
	_, err = read(bob, 100)
	require.NoError(t, err, "it is somebody else's")
	at = at.Add(time.Hour)
	_, err = read(ada, 100)
	require.NoError(t, err)
}
