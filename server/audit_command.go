package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"eventstream/server/app"
	"eventstream/server/audit"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/proof"

	"github.com/urfave/cli/v3"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name: "audit", Usage: "the audit trail: verify it, sign it, check proofs taken out of it",
		Commands: []*cli.Command{
			{
				Name:  "verify",
				Usage: "walk the chain, hold it against signed checkpoints, and name the first change, cut, insertion or reordering",
				Flags: []cli.Flag{
					&cli.StringSliceFlag{Name: "checkpoint", Usage: "a checkpoint's file or a directory of them, kept elsewhere; may be repeated. AUDIT_CHECKPOINT_DIR is always read"},
					&cli.StringFlag{Name: "key", Usage: "a file with the public key that you noted; without it the database's own keys are trusted"},
				},
				Action: withTrail(verifyTrail),
			},
			{
				Name: "check", Usage: "check a proof of a contact or a message, with the file and the public key alone",
				ArgsUsage: "FILE", Action: checkProof,
				Flags: []cli.Flag{&cli.StringFlag{Name: "key", Required: true, Usage: "a file with the public key, or the key itself"}},
			},
			{
				Name: "checkpoint", Usage: "sign a checkpoint now, print it, and take it to where checkpoints go",
				Action: withTrail(func(ctx context.Context, t *audit.Trail, _ config.Config, _ *cli.Command) error {
					c, err := t.Checkpoint(ctx)
					if err != nil {
						return err
					}
					if c == nil {
						return errors.New("the trail has no entries yet")
					}
					fmt.Print(c.Note)
					return t.Deliver(ctx)
				}),
			},
			{
				Name: "keys", Usage: "list the public keys of checkpoints, oldest first", Action: withTrail(listAuditKeys),
				Commands: []*cli.Command{{
					Name: "rotate", Usage: "begin a new key and sign a checkpoint with it; what earlier keys signed stays valid",
					Action: withTrail(func(ctx context.Context, t *audit.Trail, cfg config.Config, cmd *cli.Command) error {
						if _, err := t.Rotate(ctx); err != nil {
							return err
						}
						if err := t.SealAll(ctx); err != nil {
							return err
						}
						if _, err := t.Checkpoint(ctx); err != nil {
							return err
						}
						return errors.Join(t.Deliver(ctx), listAuditKeys(ctx, t, cfg, cmd))
					}),
				}},
			},
		},
	}
}

// withTrail gives a command the trail, as the system, with everything sealed.
func withTrail(fn func(context.Context, *audit.Trail, config.Config, *cli.Command) error) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, log *slog.Logger) error {
			ctx, trail, err := app.CommandTrail(ctx, cfg, d, log)
			if err != nil {
				return err
			}
			return fn(ctx, trail, cfg, cmd)
		})(ctx, cmd)
	}
}

func verifyTrail(ctx context.Context, t *audit.Trail, _ config.Config, cmd *cli.Command) error {
	notes, err := app.ReadCheckpoints(cmd.StringSlice("checkpoint"))
	if err != nil {
		return err
	}
	against := audit.Against{Notes: notes}
	if path := cmd.String("key"); path != "" {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if against.Keys, err = audit.ParseKeys(string(raw)); err != nil {
			return err
		}
	}
	v, err := t.Verify(ctx, against)
	if err != nil {
		return err
	}
	if v.Break != nil {
		where := fmt.Sprintf("at place %d", v.Break.Seq)
		if v.Break.EntryID != 0 {
			where += fmt.Sprintf(" (entry id %d)", v.Break.EntryID)
		}
		return fmt.Errorf("the chain is broken %s: %s", where, v.Break.Reason)
	}
	fmt.Printf("The chain is whole: %d entries, head %s.\n", v.Entries, hex.EncodeToString(v.Head))
	if v.Unkeyed > 0 {
		fmt.Printf("The first %d are from before HMACs.\n", v.Unkeyed)
	}
	if v.Last == nil {
		fmt.Println("There is no signed checkpoint yet: the end could have been cut off. Make one with: server audit checkpoint")
		return nil
	}
	fmt.Printf("%d signed checkpoints agree, the last of %s over %d entries.\n", v.Checkpoints,
		v.Last.Time.Format("2006-01-02 15:04:05 UTC"), v.Last.Size)
	if v.Unsealed > 0 {
		fmt.Printf("%d entries wait for their seal.\n", v.Unsealed)
	}
	return nil
}

func listAuditKeys(ctx context.Context, t *audit.Trail, _ config.Config, _ *cli.Command) error {
	keys, err := t.Keys(ctx)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return errors.New("there is no key yet: the first entry that is sealed makes it")
	}
	for i, k := range keys {
		from := "from the beginning"
		if k.Entry != nil {
			from = fmt.Sprintf("from entry %d on", *k.Entry)
		}
		if i < len(keys)-1 {
			from += ", replaced since"
		}
		fmt.Printf("# made %s, signs %s\n%s\n", k.CreatedAt.UTC().Format("2006-01-02 15:04:05 UTC"), from, k.Public)
	}
	return nil
}

// checkProof needs no database and no configuration.
func checkProof(_ context.Context, cmd *cli.Command) error {
	if cmd.Args().Len() != 1 {
		return errors.New("name the file: server audit check proof-contact-7.txt --key public-key.txt")
	}
	raw, err := os.ReadFile(cmd.Args().First())
	if err != nil {
		return err
	}
	text := cmd.String("key")
	if file, err := os.ReadFile(text); err == nil {
		text = string(file)
	}
	keys, err := audit.ParseKeys(text)
	if err != nil {
		return err
	}
	r, err := proof.Check(string(raw), keys)
	if err != nil {
		return fmt.Errorf("%s proves nothing: %w", cmd.Args().First(), err)
	}
	f := r.File
	fmt.Printf("The proof is whole: contact %d, %s, made %s.\n", f.Subject.Contact, f.Subject.Address, f.MadeAt.Format("2006-01-02 15:04:05 UTC"))
	fmt.Printf("%d entries lie under the checkpoint of %s over %d entries.\n", len(f.Trail.Entries),
		r.Checkpoint.Time.Format("2006-01-02 15:04:05 UTC"), r.Checkpoint.Size)
	fmt.Printf("%d events of consent and %d messages; %d of their statements are proven by entries, %d are told under the signature alone.\n",
		len(f.Consents), len(f.Messages), r.Proven, r.Told)
	return nil
}
