package guard

import (
	"fmt"
	"io"
	"sync"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
)

// UploadLimits bound what files cost this process.
type UploadLimits struct {
	Actor  int           // uploads at once of one operator or token
	All    int           // uploads at once
	Bytes  int64         // of one operator or token within Window
	Window time.Duration //
}

// DefaultUploadLimits are some files at once, and four of the largest in an hour.
var DefaultUploadLimits = UploadLimits{Actor: 3, All: 12, Bytes: 4 << 30, Window: time.Hour}

// Uploads counts files under way and the bytes they brought.
type Uploads struct {
	limits UploadLimits
	now    func() time.Time

	mu     sync.Mutex
	all    int
	actors map[actor.Actor]*usage
}

type usage struct {
	under int
	bytes int64
	since time.Time
}

// NewUploads makes the counter.
func NewUploads(limits UploadLimits, now func() time.Time) *Uploads {
	return &Uploads{limits: limits, now: now, actors: map[actor.Actor]*usage{}}
}

// Begin counts an upload until done is called.
func (u *Uploads) Begin(who actor.Actor) (done func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	of := u.of(who)
	switch {
	case of.under >= u.limits.Actor:
		return nil, apperr.New(apperr.CodeRateLimited, "%d <upload|uploads> of yours <is|are> under way: wait for one to end", of.under)
	case u.all >= u.limits.All:
		return nil, apperr.New(apperr.CodeRateLimited, "%d <upload is|uploads are> under way: try again later", u.all)
	}
	of.under++
	u.all++
	return sync.OnceFunc(func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.all--
		of.under--
	}), nil
}

// of gives the count of an actor, and forgets those that have lapsed.
func (u *Uploads) of(who actor.Actor) *usage {
	now := u.now()
	for a, of := range u.actors {
		if of.under == 0 && now.Sub(of.since) >= u.limits.Window {
			delete(u.actors, a)
		}
	}
	of := u.actors[who]
	if of == nil {
		of = &usage{since: now}
		u.actors[who] = of
	}
	if now.Sub(of.since) >= u.limits.Window {
		of.since, of.bytes = now, 0
	}
	return of
}

// Reader counts what is read on the actor, and ends when that is too much.
func (u *Uploads) Reader(who actor.Actor, r io.Reader) io.Reader { return &countedReader{r, u, who} }

type countedReader struct {
	io.Reader

	uploads *Uploads
	who     actor.Actor
}

// Read implements io.Reader.
func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	u := c.uploads
	u.mu.Lock()
	defer u.mu.Unlock()
	of := u.of(c.who)
	if of.bytes += int64(n); of.bytes > u.limits.Bytes {
		return 0, apperr.New(apperr.CodeInvalid, "you have uploaded more than %s within %s: go on later",
			size(u.limits.Bytes), u.limits.Window)
	}
	return n, err
}

func size(bytes int64) string {
	if bytes >= 1<<30 {
		return fmt.Sprintf("%d GiB", bytes>>30)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
