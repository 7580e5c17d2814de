package recent_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"eventstream/server/recent"

	"github.com/stretchr/testify/require"
)

func TestAQuestionIsAskedOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := recent.Answer[int32]{For: 3 * time.Second}
		var asked atomic.Int32
		ask := func(context.Context) (int32, error) {
			time.Sleep(time.Second)
			return asked.Add(1), nil
		}
		gone, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			_, err := a.Get(gone, "a", ask)
			require.ErrorIs(t, err, context.Canceled, "who leaves does not wait")
		})
		synctest.Wait()
		leave()
		for range 20 {
			all.Go(func() {
				n, err := a.Get(t.Context(), "a", ask)
				require.NoError(t, err)
				require.EqualValues(t, 1, n)
			})
		}
		all.Wait()
		n, err := a.Get(t.Context(), "b", ask)
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "another question")
		time.Sleep(4 * time.Second)
		n, err = a.Get(t.Context(), "b", ask)
		require.NoError(t, err)
		require.EqualValues(t, 3, n, "it is too old")

		away := errors.New("away")
		_, err = a.Get(t.Context(), "c", func(context.Context) (int32, error) { return 0, away })
		require.ErrorIs(t, err, away)
		n, err = a.Get(t.Context(), "c", ask)
		require.NoError(t, err)
		require.EqualValues(t, 4, n, "a failure is not kept")
	})
}
