package auth

import (
	"context"
	"slices"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/pubsub"
)

// Credential is what a request shows: a session's cookie or an API token.
type Credential struct{ Session, Token string }

// None reports whether there is none.
func (c Credential) None() bool { return c == Credential{} }

// Identify reads from the database who calls, at this moment. An unknown or
// ended session is nobody, the zero Actor; a token that does not work is an
// error with the code unauthenticated.
func (s *Service) Identify(ctx context.Context, c Credential) (actor.Actor, error) {
	return s.identify(ctx, c, true)
}

func (s *Service) identify(ctx context.Context, c Credential, used bool) (actor.Actor, error) {
	switch {
	case c.Token != "":
		a, err := tokenActor(ctx, s.db, hashToken(c.Token), used)
		if err == nil && a.Kind == "" {
			err = apperr.New(apperr.CodeUnauthenticated,
				"the API token is unknown, revoked or expired, or its owner is deactivated")
		}
		return a, err
	case c.Session != "":
		return sessionActor(ctx, s.db, hashToken(c.Session), used)
	}
	return actor.Actor{}, nil
}

// follower is something that lasts, such as a socket or a download, and must
// end when the access of whoever opened it does.
type follower struct {
	credential Credential
	end        context.CancelFunc

	// Under Service.mu:
	operator int64       // whose access it is; 0 while that is being read
	who      actor.Actor //
	news     bool        // something changed while it was being read
}

// Follow is Identify for something that lasts. The context it gives ends within
// a second after the actor's access was taken away or changed, in whichever
// process that happened. Call stop when the thing is over.
func (s *Service) Follow(ctx context.Context, c Credential) (who actor.Actor, followed context.Context, stop func(),
	err error,
) {
	followed, cancel := context.WithCancel(ctx)
	f := &follower{credential: c, end: cancel}
	s.mu.Lock()
	s.following[f] = struct{}{} // before the first look, so that no change slips in between
	s.mu.Unlock()
	stop = func() {
		s.mu.Lock()
		delete(s.following, f)
		s.mu.Unlock()
		cancel()
	}
	for {
		if who, err = s.Identify(ctx, c); err != nil || who.Kind == "" {
			stop()
			return who, ctx, func() {}, err
		}
		s.mu.Lock()
		again := f.news
		f.news, f.who, f.operator = false, who, who.Owner
		if who.Kind == actor.KindOperator {
			f.operator = who.ID
		}
		s.mu.Unlock()
		if !again {
			return who, followed, stop, nil
		}
	}
}

const (
	recheck     = 20 * time.Second // for what ends by the clock, and for news that were lost
	recheckTime = 5 * time.Second  // for one look
	purgeEvery  = time.Hour
)

// Run ends what is followed when access ends, until ctx does.
func (s *Service) Run(ctx context.Context) {
	news := s.hub.Subscribe(ctx, pubsub.TopicAccess)
	tick, purge := time.NewTicker(recheck), time.NewTicker(purgeEvery)
	defer tick.Stop()
	defer purge.Stop()
	defer s.background.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case operators, open := <-news:
			if !open {
				return
			}
			s.lookAgain(ctx, operators)
		case <-tick.C:
			s.lookAgain(ctx, nil)
		case <-purge.C:
			_ = purgeOld(ctx, s.db) // the next round does it
		}
	}
}

// lookAgain ends those whose access is no longer what it was when they began;
// nil looks at all.
func (s *Service) lookAgain(ctx context.Context, operators []int64) {
	type look struct {
		f   *follower
		was actor.Actor
	}
	var looks []look
	s.mu.Lock()
	for f := range s.following {
		switch {
		case f.operator == 0:
			f.news = true
		case operators == nil || slices.Contains(operators, f.operator):
			looks = append(looks, look{f, f.who})
		}
	}
	s.mu.Unlock()
	for _, l := range looks {
		ctx, cancel := context.WithTimeout(ctx, recheckTime)
		is, err := s.identify(ctx, l.f.credential, false)
		cancel()
		if apperr.Is(err, apperr.CodeUnauthenticated) || err == nil && !is.SameAccess(l.was) {
			l.f.end()
		}
	}
}
