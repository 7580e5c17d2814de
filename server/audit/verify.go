package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"eventstream/server/say"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// BreakKind says in what way the trail is not what it was.
type BreakKind string

// Kinds of breaks.
const (
	BreakChanged    BreakKind = "changed"    // an entry, or its hash
	BreakRemoved    BreakKind = "removed"    // an entry within the chain
	BreakInserted   BreakKind = "inserted"   // an entry that was not there
	BreakReordered  BreakKind = "reordered"  // entries changed places
	BreakCut        BreakKind = "cut"        // entries at the end are gone
	BreakUnkeyed    BreakKind = "unkeyed"    // an entry lost its HMAC
	BreakCheckpoint BreakKind = "checkpoint" // a checkpoint is not one of this trail
)

// Break is the first thing that does not fit.
type Break struct {
	Seq     int64 // place in the chain
	EntryID int64 // 0: no entry is there
	Kind    BreakKind
	Reason  say.Text
}

// TamperedError is the error of what cannot be done because the trail was changed.
type TamperedError struct{ Break *Break }

func (e *TamperedError) Error() string { return e.Break.Reason.String() }

// Verification is the outcome of a walk along the chain.
type Verification struct {
	Entries     int64  // sealed entries walked
	Unsealed    int64  // entries that wait for the sealer
	Unkeyed     int64  // the first so many are from before there were keys
	Head        []byte // hash of the newest sealed entry walked
	Checkpoints int    // signed ones that agreed
	Last        *Checkpoint
	Break       *Break // nil: whole
}

// Against says what else to hold the chain against.
type Against struct {
	Notes []Source        // further checkpoints, such as files
	Keys  []note.Verifier // trust these, and those they handed over to, instead of the database's own
}

// Source is a checkpoint and where it was read.
type Source struct{ Name, Note string }

// walk follows the chain.
type walk struct {
	keys    map[int64]*keyPair
	unkeyed int64 // so many entries may lack an HMAC at most
	seq     int64
	prev    []byte
	keyed   bool // an entry with HMAC was met: all later ones have it
}

// next takes the entry that comes, and says what does not fit.
func (w *walk) next(e *Entry) *Break {
	want := w.seq + 1
	b := &Break{Seq: want, EntryID: e.ID, Kind: BreakChanged}
	switch {
	case *e.Seq != want:
		b.Kind, b.EntryID, b.Reason = BreakRemoved, 0, say.New("entry %d of the chain is missing", want)
	case !bytes.Equal(e.PrevHash, w.prev):
		b.Reason = say.New("entry %d does not follow the entry before it", want)
	case !bytes.Equal(e.Hash, e.digest()):
		b.Reason = say.New("entry %d was changed: its content does not match its hash", want)
	case e.Mac == nil && (w.keyed || want > w.unkeyed):
		b.Kind, b.Reason = BreakUnkeyed, say.New("entry %d has no HMAC: it was sealed by somebody without the key", want)
	case e.Mac != nil && !w.authentic(e, e.Hash):
		b.Reason = say.New("entry %d was sealed by somebody without the key: it was changed, or one right before it removed", want)
	default:
		w.seq, w.prev, w.keyed = want, e.Hash, e.Mac != nil
		return nil
	}
	return b
}

func (w *walk) authentic(e *Entry, hash []byte) bool {
	if e.KeyID == nil || w.keys[*e.KeyID] == nil {
		return false
	}
	return hmac.Equal(e.Mac, w.keys[*e.KeyID].mac(hash))
}

// fits reports whether an entry was sealed at this place, after this one.
func (w *walk) fits(e *Entry, seq int64, prev []byte) (hash []byte, ok bool) {
	was := *e
	was.Seq, was.PrevHash = &seq, prev
	hash = was.digest()
	return hash, e.Mac != nil && w.authentic(e, hash)
}

// explain finds out what happened at a break, from the entries that follow: the
// HMACs tell where each of them was sealed.
func (w *walk) explain(b *Break, rows []*Entry) *Break {
	if b.Kind == BreakUnkeyed || len(rows) == 0 {
		return b
	}
	first := rows[0]
	used := map[int64]bool{}
	prev, seq := w.prev, w.seq+1
	for len(used) < len(rows) {
		i := slices.IndexFunc(rows, func(e *Entry) bool {
			if used[e.ID] {
				return false
			}
			_, ok := w.fits(e, seq, prev)
			return ok
		})
		if i < 0 {
			break
		}
		prev, _ = w.fits(rows[i], seq, prev)
		used[rows[i].ID] = true
		if len(used) == 1 && i == 0 {
			return b // it belongs here: only what was noted of its place was changed
		}
		if used[first.ID] {
			b.Kind, b.EntryID = BreakReordered, first.ID
			b.Reason = say.New("entries were reordered: what stands at place %d was sealed at place %d", w.seq+1, seq)
			return b
		}
		seq++
	}
	if len(used) > 0 {
		b.Kind, b.EntryID = BreakInserted, first.ID
		b.Reason = say.New("an entry was inserted at place %d: what follows it was sealed at that place", w.seq+1)
		return b
	}
	for seq := w.seq + 2; seq < w.seq+2+int64(len(rows)); seq++ {
		if _, ok := w.fits(first, seq, first.PrevHash); ok {
			b.Kind, b.EntryID = BreakRemoved, 0
			b.Reason = say.New("entries %d to %d were removed", w.seq+1, seq-1)
			if seq == w.seq+2 {
				b.Reason = say.New("entry %d was removed", w.seq+1)
			}
			return b
		}
	}
	return b
}

// merkle is the Merkle tree of what was added so far: the roots of its whole
// subtrees, from left to right.
type merkle struct {
	size  int64
	roots []tlog.Hash
}

func (m *merkle) add(leaf tlog.Hash) {
	for n := m.size; n&1 == 1; n >>= 1 {
		leaf = tlog.NodeHash(m.roots[len(m.roots)-1], leaf)
		m.roots = m.roots[:len(m.roots)-1]
	}
	m.roots = append(m.roots, leaf)
	m.size++
}

func (m *merkle) root() tlog.Hash {
	h := m.roots[len(m.roots)-1]
	for i := len(m.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(m.roots[i], h)
	}
	return h
}

// reported is a checkpoint to hold the chain against.
type reported struct {
	*Checkpoint
	from string
}

// trusted gathers keys and checkpoints. A rotation's entry counts once the key
// before it signed the new one.
func (t *Trail) trusted(ctx context.Context, a Against, own []*keyRow) (all []reported, replaced map[uint32]int64, broken *Break,
	err error,
) {
	keys := a.Keys
	if len(keys) == 0 {
		for _, row := range own {
			v, err := note.NewVerifier(row.PublicKey)
			if err != nil {
				return nil, nil, nil, fmt.Errorf("audit key: %w", err)
			}
			keys = append(keys, v)
		}
	}
	replaced = map[uint32]int64{}
	handovers, err := handovers(ctx, t.db)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range handovers {
		next, old, ok := e.handover(keys)
		if !ok {
			continue
		}
		replaced[old] = *e.Seq
		if !slices.ContainsFunc(keys, func(v note.Verifier) bool { return v.KeyHash() == next.KeyHash() }) {
			keys = append(keys, next)
		}
	}
	notes, err := checkpointNotes(ctx, t.db)
	if err != nil {
		return nil, nil, nil, err
	}
	sources, err := t.kept(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	sources = append(sources, a.Notes...)
	for _, n := range notes {
		sources = append(sources, Source{"in the database", n})
	}
	seen := map[string]bool{}
	for _, s := range sources {
		if seen[s.Note] {
			continue
		}
		seen[s.Note] = true
		c, err := ParseCheckpoint(s.Note, keys)
		if err != nil {
			return nil, nil, &Break{Kind: BreakCheckpoint, Reason: say.New("the checkpoint %s does not count: %v", s.Name, err)}, nil
		}
		all = append(all, reported{c, s.Name})
	}
	slices.SortStableFunc(all, func(a, b reported) int { return int(a.Size - b.Size) })
	return all, replaced, nil, nil
}

// kept gives the checkpoints that can be read back from where they went.
func (t *Trail) kept(ctx context.Context) (sources []Source, err error) {
	for _, sink := range t.sinks {
		shelf, ok := sink.(interface {
			ReadAll(ctx context.Context) (map[string][]byte, error)
		})
		if !ok {
			continue
		}
		files, err := shelf.ReadAll(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the checkpoints of %s: %w", sink.Name(), err)
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if strings.HasPrefix(name, "checkpoint-") {
				sources = append(sources, Source{"in " + name, string(files[name])})
			}
		}
	}
	return sources, nil
}

// handover reads the entry of a rotation: the new key, and which one it replaces.
func (e *Entry) handover(keys []note.Verifier) (next note.Verifier, old uint32, ok bool) {
	var changes handoverChanges
	if json.Unmarshal(e.Changes, &changes) != nil {
		return nil, 0, false
	}
	return changes.follow(keys)
}

// follow gives the key that one of these handed over to, and which one it was.
func (h handoverChanges) follow(keys []note.Verifier) (next note.Verifier, old uint32, ok bool) {
	n, err := openNote(h.Handover, keys)
	if err != nil || n.Text != handoverText(h.New) {
		return nil, 0, false
	}
	next, err = note.NewVerifier(h.New)
	return next, n.Sigs[0].Hash, err == nil
}

// explained is how many entries after a break are looked at to tell what happened.
const explained = 200

// Verify walks the chain from its first entry, holds it against every checkpoint,
// and stops at the first thing that does not fit.
func (t *Trail) Verify(ctx context.Context, a Against) (v Verification, err error) {
	keys, own, err := t.keyPairs(ctx, t.db)
	if err != nil {
		return v, err
	}
	checkpoints, replaced, broken, err := t.trusted(ctx, a, own)
	if err != nil || broken != nil {
		v.Break = broken
		return v, err
	}
	w, tree := walk{keys: keys, unkeyed: math.MaxInt64}, merkle{}
	for _, c := range checkpoints {
		w.unkeyed = min(w.unkeyed, c.Unkeyed)
	}
	agreed := int64(0) // the size up to which a checkpoint agrees
	for {
		rows, err := sealedAfter(ctx, t.db, v.Entries, 5000)
		if err != nil {
			return v, err
		}
		for _, e := range rows {
			if v.Break = w.next(e); v.Break != nil {
				following, err := sealedAfter(ctx, t.db, w.seq, explained)
				if err != nil {
					return v, err
				}
				v.Break = w.explain(v.Break, following)
				return v, nil
			}
			v.Entries, v.Head = w.seq, e.Hash
			if e.Mac == nil {
				v.Unkeyed = w.seq
			}
			tree.add(tlog.RecordHash(e.Hash))
			for len(checkpoints) > 0 && checkpoints[0].Size == w.seq {
				c := checkpoints[0]
				if v.Break = c.against(&tree, e, agreed, replaced); v.Break != nil {
					return v, nil
				}
				checkpoints, agreed = checkpoints[1:], w.seq
				v.Last = c.Checkpoint
				v.Checkpoints++
			}
		}
		if len(rows) == 0 {
			break
		}
	}
	if len(checkpoints) > 0 {
		c := checkpoints[len(checkpoints)-1]
		v.Break = &Break{
			Seq: v.Entries + 1, Kind: BreakCut,
			Reason: say.New("the end was cut off: the checkpoint of %s (%s) covers %d <entry|entries>, and there <is|are> %d",
				say.Second(c.Time), c.from, c.Size, v.Entries),
		}
		return v, nil
	}
	v.Unsealed, err = countUnsealed(ctx, t.db)
	return v, err
}

// against holds a checkpoint against the entries up to its size, of which e is the last.
func (c reported) against(tree *merkle, e *Entry, agreed int64, replaced map[uint32]int64) *Break {
	if seq, ok := replaced[c.KeyHash]; ok && c.Size >= seq {
		return &Break{
			Seq: seq, EntryID: 0, Kind: BreakCheckpoint,
			Reason: say.New("the checkpoint of %s (%s) is signed by a key that entry %d had replaced",
				say.Second(c.Time), c.from, seq),
		}
	}
	if c.Root == tree.root() && bytes.Equal(c.Head, e.Hash) {
		return nil
	}
	return &Break{
		Seq: agreed + 1, EntryID: 0, Kind: BreakChanged,
		Reason: say.New("entries %d to %d are not those that the checkpoint of %s (%s) signed", agreed+1, c.Size,
			say.Second(c.Time), c.from),
	}
}
