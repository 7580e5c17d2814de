package app_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A hundred files at once: what is taken in is worked, the rest is told to wait, and
// nothing of it stays behind.
func TestAHundredFilesAtOnce(t *testing.T) {
	t.Parallel()
	e := start(t)
	var mu sync.Mutex
	var taken []string
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			file := fmt.Sprintf("phone,name\n+4915%09d,Person %d\n", 100000000+i, i)
			id, problems, errs := e.tryUpload("people.csv", []byte(file), "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case len(errs) > 0:
				if code := errs[0].Extensions.Code; code != "RATE_LIMITED" && code != "UNAVAILABLE" {
					t.Errorf("%s: %s", code, errs[0].Message)
				}
			case problems != "":
				t.Error(problems)
			default:
				taken = append(taken, id)
			}
		})
	}
	all.Wait()
	require.NotEmpty(t, taken)
	for _, id := range taken {
		require.Equal(t, 1, e.imported(id).Created)
	}
	require.Equal(t, len(taken), e.query("SELECT count(*) FROM imports"))
	require.Equal(t, len(taken), e.query("SELECT count(*) FROM contacts"))
	require.Zero(t, e.query("SELECT count(*) FROM import_chunks"))
	t.Logf("%d of 100 were taken at once", len(taken))
}
