package dispatch

import (
	"context"
	"maps"
	"time"

	"eventstream/server/gate"
	"eventstream/server/message"
	"eventstream/server/portfolio"

	"github.com/uptrace/bun"
)

// takePlaces takes places of WhatsApp's limit of people a day for those of a batch whom the gate lets through otherwise, and
// to whom no window is open, before any of its calls.
func (d *Dispatcher) takePlaces(ctx context.Context, b *batch, f *facts) error {
	if !b.limited {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, questionLimit)
	defer cancel()
	var people []int64
	b.persons = map[int64]int64{}
	for _, row := range b.rows {
		if p := f.people[row.ContactID]; b.ask(row, f).Status == message.StatusSubmitting && !f.wrote[p.ID] {
			people = append(people, p.ID)
			b.persons[row.ID] = p.ID
		}
	}
	b.places = map[int64]portfolio.Place{}
	if len(people) == 0 {
		return nil
	}
	var err error
	b.places, err = d.Portfolio.Reserve(ctx, people)
	return err
}

// wroteTo gives those of the people with an open window who wrote to the sender of a batch: WhatsApp's window is that of one of
// its numbers.
func (d *Dispatcher) wroteTo(ctx context.Context, b *batch, windows map[int64]bool) (map[int64]bool, error) {
	var open []int64
	for id, is := range windows {
		if is {
			open = append(open, id)
		}
	}
	if len(open) == 0 {
		return nil, nil //nolint:nilnil // nobody
	}
	return message.WroteTo(ctx, d.DB, open, b.sender.ID, b.clock())
}

// placeWait is how long somebody waits for whom no place was asked for, because a window was open to them a moment ago, or
// their hour had not come: then they are asked about again.
const placeWait = time.Second

// room is what the gate is told of a person's place.
func (b *batch) room(personID int64, f *facts) *gate.Room {
	switch place, asked := b.places[personID]; {
	case !b.limited || f.wrote[personID]:
		return nil
	case b.places == nil:
		return &gate.Room{Taken: true} // it is asked for them if they pass
	case !asked:
		return &gate.Room{Frees: b.clock().Add(placeWait)}
	default:
		return &gate.Room{Taken: place.Held, Frees: place.Frees}
	}
}

// leavePlaces gives back what was taken for calls that were not made, or that Twilio refused.
func (b *batch) leavePlaces(ctx context.Context, tx bun.Tx, results []message.Result) error {
	if len(b.places) == 0 {
		return nil
	}
	back := maps.Clone(b.places)
	for _, r := range results {
		if r.Status == message.StatusAccepted || r.Status == message.StatusUnknown {
			delete(back, b.persons[r.ID])
		}
	}
	return portfolio.Release(ctx, tx, back)
}
