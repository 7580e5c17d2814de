package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"eventstream/server/say"

	"github.com/uptrace/bun"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says what the trail held at a time. It is signed in the format of
// transparency logs (C2SP tlog-checkpoint): a note of name, number of entries and
// Merkle root, with the chain's head and the time as further lines.
type Checkpoint struct {
	Name    string    // of the trail
	Size    int64     // entries
	Root    tlog.Hash // over the hashes of all of them, RFC 6962
	Head    []byte    // hash of the last
	Time    time.Time //
	Unkeyed int64     // the first so many entries are from before there were keys, and have no HMAC
	Note    string    // as it was signed
	KeyHash uint32    // which key signed it
}

func (c *Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\nhead %s\ntime %s\nunkeyed %d\n", c.Name, c.Size,
		base64.StdEncoding.EncodeToString(c.Root[:]), hex.EncodeToString(c.Head),
		c.Time.UTC().Format(time.RFC3339), c.Unkeyed)
}

// FileName names a checkpoint so that names sort by size and time.
func (c *Checkpoint) FileName() string {
	return fmt.Sprintf("checkpoint-%012d-%s.txt", c.Size, c.Time.UTC().Format("20060102T150405Z"))
}

// ParseCheckpoint reads a signed checkpoint and refuses what none of the keys signed.
func ParseCheckpoint(raw string, keys []note.Verifier) (*Checkpoint, error) {
	n, err := openNote(raw, keys)
	if err != nil {
		return nil, err
	}
	c, err := parseLines(n.Text)
	if err != nil {
		return nil, err
	}
	c.Note, c.KeyHash = raw, n.Sigs[0].Hash
	return c, nil
}

// parseTrusted reads a checkpoint without asking who signed it, to show it.
func parseTrusted(raw string) (*Checkpoint, error) {
	text, _, _ := strings.Cut(raw, "\n\n")
	c, err := parseLines(text + "\n")
	if err == nil {
		c.Note = raw
	}
	return c, err
}

func parseLines(text string) (*Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 6 {
		return nil, errors.New("it is no checkpoint: it does not have six lines")
	}
	c := &Checkpoint{Name: lines[0]}
	size, sizeErr := strconv.ParseInt(lines[1], 10, 64)
	root, rootErr := base64.StdEncoding.Strict().DecodeString(lines[2])
	head, headErr := hex.DecodeString(strings.TrimPrefix(lines[3], "head "))
	at, timeErr := time.Parse(time.RFC3339, strings.TrimPrefix(lines[4], "time "))
	unkeyed, unkeyedErr := strconv.ParseInt(strings.TrimPrefix(lines[5], "unkeyed "), 10, 64)
	c.Size, c.Head, c.Time, c.Unkeyed = size, head, at, unkeyed
	copy(c.Root[:], root)
	// Written again it must be the same: then nothing was read that does not stand there.
	if errors.Join(sizeErr, rootErr, headErr, timeErr, unkeyedErr) != nil || size < 1 || c.text() != text {
		return nil, errors.New("it is no checkpoint: want name, number of entries, Merkle root, head, time, unkeyed")
	}
	return c, nil
}

// openNote verifies a note that exactly one of the keys signed. The library allows
// further signatures and several spellings of one; here every byte counts.
func openNote(raw string, keys []note.Verifier) (*note.Note, error) {
	n, err := note.Open([]byte(raw), note.VerifierList(keys...))
	if _, unknown := errors.AsType[*note.UnverifiedNoteError](err); unknown {
		return nil, errors.New("it is signed by none of the keys that were given")
	}
	if _, invalid := errors.AsType[*note.InvalidSignatureError](err); invalid {
		return nil, errors.New("its signature does not fit its text: it was changed")
	}
	if err != nil {
		return nil, errors.New("it is no signed note")
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return nil, errors.New("it does not have exactly one signature")
	}
	sig := n.Sigs[0]
	strict, err := base64.StdEncoding.Strict().DecodeString(sig.Base64)
	if err != nil || raw != n.Text+"\n— "+sig.Name+" "+base64.StdEncoding.EncodeToString(strict)+"\n" {
		return nil, errors.New("its signature is not spelt as it was made: it was changed")
	}
	return n, nil
}

// CheckpointEvery is the longest time between two checkpoints.
const CheckpointEvery = time.Hour

// KeepCheckpoints is the maintenance task: it makes a checkpoint when the last one
// is an hour old, or says why it cannot, and takes those that wait to where they go.
func (t *Trail) KeepCheckpoints(ctx context.Context) error {
	due, err := checkpointDue(ctx, t.db, CheckpointEvery)
	if err != nil {
		return err
	}
	var failed error
	if due {
		_, failed = t.Checkpoint(ctx)
	}
	return errors.Join(failed, t.Deliver(ctx))
}

// Checkpoint makes a signed checkpoint over all sealed entries, queues it for the
// places where checkpoints go, and logs it. It refuses to sign what does not follow
// from the checkpoint before: then somebody changed the database. Nil while there
// are no entries.
func (t *Trail) Checkpoint(ctx context.Context) (*Checkpoint, error) {
	c, err := t.checkpoint(ctx)
	if err != nil {
		if _, broken := errors.AsType[*TamperedError](err); broken {
			_ = saveProblem(ctx, t.db, "checkpoint", err.Error())
		}
		return nil, fmt.Errorf("audit checkpoint: %w", err)
	}
	if c == nil {
		return nil, nil //nolint:nilnil // an empty trail has nothing to sign
	}
	t.log.InfoContext(ctx, "audit checkpoint", "entries", c.Size, "checkpoint", c.Note)
	return c, dropProblem(ctx, t.db, "checkpoint")
}

func (t *Trail) checkpoint(ctx context.Context) (c *Checkpoint, err error) {
	for more := true; more; {
		err := t.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
			more, err = t.grow(ctx, tx)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	err = t.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := lockTree(ctx, tx); err != nil {
			return err
		}
		size, err := treeSize(ctx, tx)
		if err != nil || size == 0 {
			return err
		}
		// After the size: see trusted on which key may sign what.
		key, err := t.newestKey(ctx, tx)
		if err != nil {
			return err
		}
		last, err := entryAt(ctx, tx, size)
		if err != nil {
			return err
		}
		if last == nil {
			return gone(size)
		}
		c = &Checkpoint{Name: key.signer.Name(), Size: size, Head: last.Hash, Time: t.now()}
		if c.Root, err = tlog.TreeHash(size, treeReader(ctx, tx)); err != nil {
			return fmt.Errorf("merkle tree: %w", err)
		}
		if c.Unkeyed, err = unkeyedOf(ctx, tx, size); err != nil {
			return err
		}
		signed, err := note.Sign(&note.Note{Text: c.text()}, key.signer)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		c.Note, c.KeyHash = string(signed), key.signer.KeyHash()
		return insertCheckpoint(ctx, tx, c, key.id, t.places())
	})
	return c, err
}

// gone is the error of an entry that the tree has and the table has not.
func gone(seq int64) *TamperedError {
	return &TamperedError{&Break{
		Seq: seq, Kind: BreakCut, Reason: say.New("entry %d is gone, which a checkpoint covers", seq),
	}}
}

const growBatch = 5000

// grow adds sealed entries to the Merkle tree, and reports whether more wait.
func (t *Trail) grow(ctx context.Context, tx bun.Tx) (more bool, err error) {
	if err := lockTree(ctx, tx); err != nil {
		return false, err
	}
	size, err := treeSize(ctx, tx)
	if err != nil {
		return false, err
	}
	keys, _, err := t.keyPairs(ctx, tx)
	if err != nil {
		return false, err
	}
	w := walk{keys: keys, unkeyed: math.MaxInt64}
	signed, err := lastCheckpoint(ctx, tx)
	if err != nil {
		return false, err
	}
	if signed != nil {
		w.unkeyed = signed.Unkeyed
	}
	if size > 0 { // the tree's last entry must still be there
		last, err := entryAt(ctx, tx, size)
		if err != nil {
			return false, err
		}
		leaf, err := treeReader(ctx, tx).ReadHashes([]int64{tlog.StoredHashIndex(0, size-1)})
		if err != nil {
			return false, err
		}
		switch {
		case last == nil:
			return false, gone(size)
		case !bytes.Equal(last.Hash, last.digest()) || tlog.RecordHash(last.Hash) != leaf[0]:
			return false, &TamperedError{&Break{
				Seq: size, EntryID: last.ID, Kind: BreakChanged,
				Reason: say.New("entry %d is another one than at the last checkpoint", size),
			}}
		}
		w.seq, w.prev, w.keyed = size, last.Hash, last.Mac != nil
	}
	rows, err := sealedAfter(ctx, tx, size, growBatch)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	grown := hashes{older: treeReader(ctx, tx), made: map[int64]tlog.Hash{}}
	for _, e := range rows {
		if b := w.next(e); b != nil {
			return false, &TamperedError{b}
		}
		if err := grown.add(*e.Seq-1, tlog.RecordHash(e.Hash)); err != nil {
			return false, fmt.Errorf("merkle tree: %w", err)
		}
	}
	return len(rows) == growBatch, insertTree(ctx, tx, grown.made)
}

// hashes are those of a Merkle tree that grows in memory, over older ones that lie
// elsewhere; nil: there are none.
type hashes struct {
	older tlog.HashReader
	made  map[int64]tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var missing, at []int64
	for i, index := range indexes {
		if made, ok := h.made[index]; ok || h.older == nil {
			out[i] = made
		} else {
			missing, at = append(missing, index), append(at, int64(i))
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	old, err := h.older.ReadHashes(missing)
	if err != nil {
		return nil, err
	}
	for i, hash := range old {
		out[at[i]] = hash
	}
	return out, nil
}

// add makes the hashes of leaf n, counted from 0.
func (h hashes) add(n int64, leaf tlog.Hash) error {
	made, err := tlog.StoredHashesForRecordHash(n, leaf, h)
	for i, hash := range made {
		h.made[tlog.StoredHashIndex(0, n)+int64(i)] = hash
	}
	return err
}
