package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/keys"
	"eventstream/server/pause"
	"eventstream/server/secret"

	"github.com/urfave/cli/v3"
)

func keysCommand() *cli.Command {
	return &cli.Command{
		Name: "keys", Usage: "SECRET_KEY and the keys by which addresses are hashed",
		Commands: []*cli.Command{
			{
				Name: "list", Usage: "name the keys by their ids, and tell what still needs which",
				Action: withKeys(func(ctx context.Context, d *db.DB, _ config.Config, k *secret.Keys) error {
					return listKeys(ctx, d, k)
				}),
			},
			{
				Name:   "rotate",
				Usage:  "encrypt all secrets anew: by SECRET_KEY, or where that is kept in DATA_DIR, by a key that is made now",
				Action: withKeys(rotateKeys),
			},
			{
				Name: "finish", Usage: "give up the earlier keys, once nothing needs them any more",
				Action: withKeys(finishKeys),
			},
			{
				Name: "rotate-addresses", Usage: "add a key by which addresses are hashed from now on; the earlier ones stay",
				Flags: []cli.Flag{&cli.BoolFlag{
					Name:  "lost",
					Usage: "make the first one although the SECRET_KEY of the hashes that are there is gone: whom they name is forgotten",
				}},
				Action: func(ctx context.Context, cmd *cli.Command) error {
					return withKeys(func(ctx context.Context, d *db.DB, _ config.Config, k *secret.Keys) error {
						return rotateAddresses(ctx, d, k, cmd.Bool("lost"))
					})(ctx, cmd)
				},
			},
		},
		DefaultCommand: "list",
	}
}

// withKeys opens the database and the keys, beside a server that runs or not.
func withKeys(fn func(context.Context, *db.DB, config.Config, *secret.Keys) error) cli.ActionFunc {
	return withDB(func(ctx context.Context, cfg config.Config, d *db.DB, _ *slog.Logger) error {
		k, err := cfg.Keys()
		if err != nil {
			return err
		}
		if err := d.CheckMigrated(ctx); err != nil {
			return err
		}
		return fn(ctx, d, cfg, k)
	})
}

func listKeys(ctx context.Context, d *db.DB, k *secret.Keys) error {
	uses, err := keys.Uses(ctx, d, k)
	if err != nil {
		return err
	}
	addresses, err := keys.List(ctx, d)
	if err != nil {
		return err
	}
	fmt.Println("SECRET_KEY")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(w, "  "+strings.Join(cells, "\t")) }
	ids := k.IDs()
	for i, id := range ids {
		role := "earlier"
		if i == 0 {
			role = "writes"
		}
		row(id, role, needs(uses, id))
	}
	for _, u := range uses {
		if !u.Known {
			row(u.Key, "NOT SET", needs([]keys.Use{u}, u.Key))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("Hashes of addresses")
	writes := false
	for _, a := range addresses {
		role := "read"
		switch {
		case !a.InForce:
			role = "writes from " + a.ActiveFrom.Format(time.TimeOnly)
		case !writes:
			role, writes = "writes", true
		}
		row(fmt.Sprint(a.ID), a.Fingerprint, role, "made "+a.CreatedAt.Format(time.DateOnly))
	}
	return w.Flush()
}

func needs(uses []keys.Use, key string) string {
	var parts []string
	for _, u := range uses {
		if u.Key == key {
			parts = append(parts, fmt.Sprintf("%d in %s", u.Rows, u.Column))
		}
	}
	if len(parts) == 0 {
		return "nothing needs it"
	}
	return "needed by " + strings.Join(parts, ", ")
}

func rotateKeys(ctx context.Context, d *db.DB, cfg config.Config, k *secret.Keys) error {
	if path := cfg.KeyFile(); path != "" {
		var err error
		if k, err = newKeyIn(ctx, path, k); err != nil {
			return err
		}
	} else if len(k.IDs()) == 1 {
		fmt.Println("SECRET_KEY_PREVIOUS is not set, so there is nothing to rotate from. Make a new SECRET_KEY, for example with " +
			"openssl rand -hex 32, and set the one of now as SECRET_KEY_PREVIOUS.")
	}
	n, err := keys.Renew(ctx, d, k)
	fmt.Printf("%d secrets encrypted anew by the key %s\n", n, k.IDs()[0])
	if err != nil {
		return err
	}
	return listKeys(ctx, d, k)
}

// newKeyIn makes a key in a file, unless a rotation before was broken off.
func newKeyIn(ctx context.Context, path string, k *secret.Keys) (*secret.Keys, error) {
	if len(k.IDs()) == 1 {
		earlier, err := secret.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := secret.WriteFile(path, append([]string{secret.Generate()}, earlier...)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	// A server that runs goes on to write with the earlier one until it has looked.
	if err := pause.For(ctx, secret.Settled); err != nil {
		return nil, err
	}
	return secret.Follow(path)
}

func finishKeys(ctx context.Context, d *db.DB, cfg config.Config, k *secret.Keys) error {
	uses, err := keys.Uses(ctx, d, k)
	if err != nil {
		return err
	}
	ids := k.IDs()
	for _, u := range uses {
		if u.Key != ids[0] {
			return fmt.Errorf("the key %s is still needed (%s): run server keys rotate", u.Key, needs(uses, u.Key))
		}
	}
	if len(ids) == 1 {
		fmt.Println("there is one key only, " + ids[0])
		return nil
	}
	path := cfg.KeyFile()
	if path == "" {
		fmt.Println("nothing needs " + strings.Join(ids[1:], ", ") + " any more: take SECRET_KEY_PREVIOUS out of the environment of " +
			"every machine. Backups that were made before need it still: keep it with them.")
		return nil
	}
	all, err := secret.ReadFile(path)
	if err != nil {
		return err
	}
	if secret.ID(all[0]) != ids[0] {
		return errors.New("another process has just rotated: look with server keys list")
	}
	if err := secret.WriteFile(path, all[:1]); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Println("given up: " + strings.Join(ids[1:], ", ") + ". Backups that were made before have their keys in a file of their own.")
	return nil
}

func rotateAddresses(ctx context.Context, d *db.DB, k *secret.Keys, lost bool) error {
	added, err := keys.Rotate(ctx, d, k, lost)
	if err != nil {
		return err
	}
	fmt.Printf("address key %d (%s) writes from %s on; the earlier ones are looked up with for ever\n", added.ID, added.Fingerprint,
		added.ActiveFrom.Format(time.TimeOnly))
	return listKeys(ctx, d, k)
}
