package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"eventstream/server/apperr"

	"github.com/uptrace/bun"
)

// A step is what the server must remember between two requests of one act, such
// as a sign-in that goes on with a code. The client carries it, encrypted, so
// that strangers cannot fill the database with acts they only begin.
type step struct {
	Expires time.Time
	Data    json.RawMessage
}

const stepLength = 10 * time.Minute

var errStepOver = apperr.New(apperr.CodeInvalid, "this took too long, or was done already: begin again")

// newStep carries data to the next request of the act named by purpose.
func (s *Service) newStep(purpose string, data any) (string, error) {
	raw, err := json.Marshal(data)
	if err == nil {
		raw, err = json.Marshal(step{Expires: s.now().Add(stepLength), Data: raw})
	}
	if err != nil {
		return "", fmt.Errorf("begin %s: %w", purpose, err)
	}
	return s.keys.Seal("step "+purpose, raw)
}

// openStep reads what newStep carried; it can be done again until it is spent.
func (s *Service) openStep(purpose, token string, data any) error {
	raw, err := s.keys.Open("step "+purpose, token)
	if err != nil {
		return errStepOver
	}
	var st step
	if err := errors.Join(json.Unmarshal(raw, &st), json.Unmarshal(st.Data, data)); err != nil {
		return fmt.Errorf("go on with %s: %w", purpose, err)
	}
	if s.now().After(st.Expires) {
		return errStepOver
	}
	return nil
}

// spend makes sure that a step is taken once.
func (s *Service) spend(ctx context.Context, tx bun.Tx, token string) error {
	fresh, err := spendStep(ctx, tx, hashToken(token), 2*stepLength)
	if err == nil && !fresh {
		err = errStepOver
	}
	return err
}
