package main

import (
	"context"
	"fmt"
	"log/slog"

	"eventstream/server/apperr"
	"eventstream/server/campaign"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/globalid"

	"github.com/urfave/cli/v3"
)

func assignmentCommand() *cli.Command {
	return &cli.Command{
		Name: "assignment", Usage: "work out whether a contact is held out of a campaign, takes part in its test, and with which variant",
		ArgsUsage: "CAMPAIGN CONTACT (ids of the API)",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return withDB(func(ctx context.Context, _ config.Config, d *db.DB, _ *slog.Logger) error {
				return tellAssignment(ctx, cmd, d)
			})(ctx, cmd)
		},
	}
}

func tellAssignment(ctx context.Context, cmd *cli.Command, d *db.DB) error {
	if cmd.Args().Len() != 2 {
		return apperr.Invalid("", "give two ids, that of a campaign and that of a contact")
	}
	if err := d.CheckMigrated(ctx); err != nil {
		return err
	}
	campaignID, err := globalid.Decode("CAMPAIGN", "Campaign", cmd.Args().Get(0))
	if err != nil {
		return err
	}
	contactID, err := globalid.Decode("CONTACT", "Contact", cmd.Args().Get(1))
	if err != nil {
		return err
	}
	a, err := campaign.AssignmentOf(ctx, d, campaignID, contactID)
	if err != nil {
		return err
	}
	fmt.Printf("the campaign's key, in hexadecimal: %x\nthe contact's number: %d\n", a.Key, contactID)
	switch {
	case a.Held != "":
		fmt.Println("held out:", a.Held)
	case a.Waits:
		fmt.Println("waits for the winner of the test")
	case a.Variant != "":
		fmt.Println("takes part in the test, with variant", a.Variant)
	default:
		fmt.Println("gets the campaign, which compares nothing")
	}
	return nil
}
