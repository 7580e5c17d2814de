package export

import (
	"context"
	"fmt"
	"io"
	"time"

	"eventstream/server/actor"
	"eventstream/server/audit"
	"eventstream/server/csvcell"
)

// outcome is what became of a campaign's message, with whom it went to.
type outcome struct {
	ContactID                                                                          int64
	Address, Name, Status, SkipReason, ErrorMessage, SID, Body                         string
	ErrorCode, Attempts                                                                int
	CreatedAt                                                                          time.Time
	AcceptedAt, SentAt, DeliveredAt, ReadAt, EndedAt, ClickedAt, RepliedAt, OptedOutAt *time.Time
}

const messagesSlice = 2000

// OpenMessages checks that the actor may download a campaign's messages, and
// writes into the trail that they do.
func (s *Service) OpenMessages(ctx context.Context, campaign int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsExport); err != nil {
		return err
	}
	return audit.Download(ctx, s.db, audit.CampaignMessagesDownload, campaign)
}

// WriteMessages writes a campaign's messages as a table, newest contact first,
// reading them slice by slice: memory does not grow with the campaign. The
// texts of erased contacts are gone.
func (s *Service) WriteMessages(ctx context.Context, campaign int64, format csvcell.Format, out io.Writer) error {
	w, err := csvcell.NewTable(format, out)
	if err != nil {
		return err
	}
	header := []string{
		"phone", "name", "status", "skip_reason", "error_code", "error", "advice", "attempts", "created_at", "accepted_at",
		"sent_at",
		"delivered_at", "read_at", "ended_at", "replied_at", "opted_out_at", "sid", "text", "clicked_at",
	}
	if err := w.Write(header); err != nil {
		return err
	}
	for before := int64(1 << 62); ; {
		rows, err := outcomes(ctx, s.db, campaign, before, messagesSlice)
		if err != nil {
			return err
		}
		for _, o := range rows {
			code, title, advice := "", o.ErrorMessage, ""
			if o.ErrorCode != 0 {
				info := s.code(o.ErrorCode)
				code, title, advice = fmt.Sprint(o.ErrorCode), string(info.Title), string(info.Advice)
			}
			err := w.Write([]string{
				o.Address, o.Name, o.Status, o.SkipReason, code, title, advice,
				fmt.Sprint(o.Attempts), stamp(&o.CreatedAt), stamp(o.AcceptedAt), stamp(o.SentAt), stamp(o.DeliveredAt),
				stamp(o.ReadAt), stamp(o.EndedAt), stamp(o.RepliedAt), stamp(o.OptedOutAt), o.SID, o.Body,
				stamp(o.ClickedAt),
			})
			if err != nil {
				return err
			}
		}
		if len(rows) < messagesSlice {
			return w.Close()
		}
		if err := w.Flush(); err != nil {
			return err
		}
		before = rows[len(rows)-1].ContactID
	}
}
