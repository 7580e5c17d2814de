package doubleoptin

import (
	"context"

	"eventstream/server/consent"

	"github.com/uptrace/bun"
)

// Open counts the requests that wait for an answer, or to be asked.
func Open(ctx context.Context, idb bun.IDB) (int64, error) { return openRequests(ctx, idb) }

// PeopleAsked are the contacts who have such a request.
func PeopleAsked(ctx context.Context, tx bun.Tx) ([]int64, error) { return peopleAsked(ctx, tx) }

// CancelAll ends all requests, and forgets how people are asked: sender and templates
// belong to the provider that is left. It tells how many requests there were.
func CancelAll(ctx context.Context, tx bun.Tx) (n int64, err error) {
	const batch = 5000
	for {
		ids, err := lockOpen(ctx, tx, batch)
		if err != nil {
			return n, err
		}
		if err := consent.EndRequests(ctx, tx, ids, StatusCanceled); err != nil {
			return n, err
		}
		if n += int64(len(ids)); len(ids) < batch {
			return n, forgetSettings(ctx, tx)
		}
	}
}
