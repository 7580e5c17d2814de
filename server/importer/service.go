package importer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/audit"
	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/csvcell"
	"eventstream/server/db"
	"eventstream/server/doubleoptin"
	"eventstream/server/globalid"
	"eventstream/server/jobs"
	"eventstream/server/pubsub"
	"eventstream/server/topic"

	"github.com/uptrace/bun"
)

const (
	chunkBytes = 1 << 20
	// MaxFile is the largest file that is taken in, in bytes.
	MaxFile     = 1 << 30
	importLease = 8 * time.Second
)

// Service takes files in and works them.
type Service struct {
	db           *db.DB
	hub          *pubsub.Hub
	jobs         *jobs.Enqueuer
	consents     *consent.Service
	doubleOptIns *doubleoptin.Service
	topics       *topic.Service
	log          *slog.Logger
	now          func() time.Time
	owner        string
	words        LogWords
	maxFile      int64
}

// Dependencies are the parts of a Service.
type Dependencies struct {
	DB           *db.DB
	Hub          *pubsub.Hub
	Jobs         *jobs.Enqueuer
	Consents     *consent.Service
	DoubleOptIns *doubleoptin.Service
	Topics       *topic.Service
	Log          *slog.Logger
	Now          func() time.Time
	Owner        string // this process, in leases
	Words        LogWords
	MaxFile      int64 // the largest file that is taken in, unpacked, in bytes; 0: MaxFile
}

// NewService makes the service.
func NewService(d Dependencies) *Service {
	return &Service{
		db: d.DB, hub: d.Hub, jobs: d.Jobs, consents: d.Consents, doubleOptIns: d.DoubleOptIns, topics: d.Topics, log: d.Log, now: d.Now, owner: d.Owner,
		words: d.Words, maxFile: cmp.Or(d.MaxFile, MaxFile),
	}
}

// Start looks at the beginning of the file, refuses what is no contact file,
// keeps the whole of it in Postgres and enqueues the work.
func (s *Service) Start(ctx context.Context, req Request, file io.Reader) (*Import, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := s.check(ctx, &req); err != nil {
		return nil, err
	}
	req.FileName = FileName(req.FileName)
	plain, err := unpack(file, req.FileName, req.Sheet)
	defer plain.close()
	if err != nil {
		return nil, err
	}
	file, cards, done := fromVCards(plain.text)
	defer done()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, brokenOff(err)
	}
	opts, lacking := sniff(head[:n], &req)
	opts.Sheet, opts.Sheets = plain.sheet, plain.sheets
	if cards {
		opts.Source = sourceVCard
	}
	if lacking != nil && (!req.DryRun || len(opts.Columns) == 0) {
		return nil, lacking
	}
	imp := &Import{
		FileName: req.FileName, Options: opts, Status: StatusUploading, OperatorID: actor.OperatorID(ctx),
		APITokenID: actor.TokenID(ctx),
	}
	if err := insert(ctx, s.db, imp); err != nil {
		return nil, err
	}
	if err := s.store(ctx, imp, io.MultiReader(bytes.NewReader(head[:n]), file)); err != nil {
		if gone := discard(context.WithoutCancel(ctx), s.db, imp.ID); gone != nil {
			s.log.WarnContext(ctx, "half an upload stays behind", "import", imp.ID, "error", gone)
		}
		return nil, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		imp.Status = StatusPending
		if lacking != nil { // a dry run ends here, and goes on when its columns are mapped
			now := s.now()
			imp.Status, imp.Failure, imp.FinishedAt = StatusFailed, apperr.Text(lacking).String(), &now
			return setStatus(ctx, tx, imp)
		}
		if err := setStatus(ctx, tx, imp); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.ImportStart, "import", imp.ID,
			map[string]any{"bytes": imp.SizeBytes, "mode": opts.Mode, "dry_run": opts.DryRun}); err != nil {
			return err
		}
		return s.jobs.Insert(ctx, tx, RunArgs{ImportID: imp.ID})
	})
	return imp, err
}

func (s *Service) check(ctx context.Context, req *Request) error {
	var errs apperr.List
	shown := consent.Evidence{Text: contact.CleanText(req.Consent.Text), TextID: req.Consent.TextID}
	if err := errs.Add(s.consents.FillText(ctx, "consentTextId", &shown)); err != nil {
		return err
	}
	if len(errs) == 0 {
		req.Consent.Text, req.Consent.language = shown.Text, shown.Language
		_ = errs.Add(req.check())
	}
	if req.Consent.Confirmed {
		if err := errs.Add(s.doubleOptIns.Ready(ctx)); err != nil {
			return err
		}
	}
	found, err := s.topics.ByIDs(ctx, req.TopicIDs)
	if err != nil {
		return err
	}
	known := map[int64]bool{}
	for _, t := range found {
		known[t.ID] = true
	}
	for _, id := range req.TopicIDs {
		if !known[id] {
			_ = errs.Add(apperr.Invalid("topicIds", "the topic %s does not exist, or stands there twice",
				globalid.Encode("Topic", id)))
		}
		delete(known, id)
	}
	return errs.Err()
}

func (s *Service) store(ctx context.Context, imp *Import, file io.Reader) error {
	buf := make([]byte, chunkBytes)
	for seq := 0; ; seq++ {
		n, err := io.ReadFull(file, buf)
		if n > 0 {
			if imp.SizeBytes += int64(n); imp.SizeBytes > s.maxFile {
				return apperr.Invalid("file", "the file is larger than %d MB: split it", s.maxFile>>20)
			}
			if err := insertChunk(ctx, s.db, imp.ID, seq, buf[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return brokenOff(err)
		}
	}
}

// brokenOff keeps what is wrong with the file apart from what happened on its way.
func brokenOff(err error) error {
	if apperr.Is(err, apperr.CodeInvalid) {
		return err
	}
	return apperr.Wrap(err, apperr.CodeInvalid, "the upload broke off")
}

// Confirm works the file of a dry run once more, as req says: for good, or as
// another dry run. The file is kept for a day.
func (s *Service) Confirm(ctx context.Context, id int64, req Request) (*Import, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	if err := s.check(ctx, &req); err != nil {
		return nil, err
	}
	var imp *Import
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if imp, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		if !imp.Options.DryRun {
			return apperr.Conflict("the import was no dry run")
		}
		if imp.Status == StatusPending || imp.Status == StatusRunning {
			return apperr.Conflict("the dry run is not through yet")
		}
		head, err := io.ReadAll(io.LimitReader(&chunkReader{ctx: ctx, db: tx, importID: id}, sniffBytes))
		if err != nil {
			return err
		}
		if len(head) == 0 {
			return apperr.Conflict("the file is no longer kept: upload it again")
		}
		req.FileName = imp.FileName
		before := imp.Options
		if imp.Options, err = sniff(head, &req); err != nil {
			return err
		}
		imp.Options.Sheet, imp.Options.Sheets = before.Sheet, before.Sheets
		if before.Source == sourceVCard {
			imp.Options.Source = sourceVCard
		}
		if err := startOver(ctx, tx, imp); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.ImportStart, "import", id,
			map[string]any{"bytes": imp.SizeBytes, "mode": req.Mode, "dry_run": req.DryRun}); err != nil {
			return err
		}
		return s.jobs.Insert(ctx, tx, RunArgs{ImportID: id})
	})
	if err != nil {
		return nil, err
	}
	s.hub.Publish(pubsub.TopicImport, id)
	return imp, nil
}

// Cancel stops an import; the rows that were taken stay.
func (s *Service) Cancel(ctx context.Context, id int64) (*Import, error) {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return nil, err
	}
	var imp *Import
	err := s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) (err error) {
		if imp, err = forUpdate(ctx, tx, id); err != nil {
			return err
		}
		if imp.Status != StatusPending && imp.Status != StatusRunning {
			return apperr.Conflict("the import is %s", imp.Status)
		}
		now := s.now()
		imp.Status, imp.FinishedAt = StatusCanceled, &now
		if err := setStatus(ctx, tx, imp); err != nil {
			return err
		}
		if err := dropChunks(ctx, tx, id); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.ImportCancel, "import", id, map[string]any{"rows": imp.RowsDone})
	})
	if err == nil {
		s.hub.Publish(pubsub.TopicImport, id)
	}
	return imp, err
}

// ByID finds one.
func (s *Service) ByID(ctx context.Context, id int64) (*Import, error) { return byID(ctx, s.db, id) }

// List gives a page, newest first.
func (s *Service) List(ctx context.Context, p db.Page) (db.Slice[*Import], error) {
	return list(ctx, s.db, p)
}

// Count tells how many imports there are.
func (s *Service) Count(ctx context.Context) (int64, error) { return count(ctx, s.db) }

// Rejects lists the first rejected rows.
func (s *Service) Rejects(ctx context.Context, id int64, limit int) ([]*Reject, error) {
	return rejectsAfter(ctx, s.db, id, 0, int64(limit))
}

// OpenRejects checks that the actor may download an import's rejected rows, and
// writes into the trail that they do.
func (s *Service) OpenRejects(ctx context.Context, id int64) error {
	if err := actor.Require(ctx, actor.RoleMarketer); err != nil {
		return err
	}
	if err := actor.RequireScope(ctx, actor.ScopeContactsWrite); err != nil {
		return err
	}
	if _, err := s.ByID(ctx, id); err != nil {
		return err
	}
	return audit.Download(ctx, s.db, audit.ImportRejectsDownload, id)
}

// WriteRejects writes the rejected rows as a table: their columns as they came,
// then line and reason. Once corrected, the file can be imported again.
func (s *Service) WriteRejects(ctx context.Context, id int64, format csvcell.Format, out io.Writer) error {
	imp, err := s.ByID(ctx, id)
	if err != nil {
		return err
	}
	w, err := csvcell.NewTable(format, out)
	if err != nil {
		return err
	}
	header := make([]string, 0, len(imp.Options.Columns)+2)
	for _, c := range imp.Options.Columns {
		header = append(header, c.Name)
	}
	if err := w.Write(append(header, rejectLine, rejectError)); err != nil {
		return err
	}
	for after := int64(0); ; {
		rows, err := rejectsAfter(ctx, s.db, id, after, 1000)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return w.Close()
		}
		for _, r := range rows {
			after = r.ID
			cells := make([]string, 0, len(header)+2)
			for i := range imp.Options.Columns {
				cell := ""
				if i < len(r.Record) {
					cell = r.Record[i]
				}
				cells = append(cells, cell)
			}
			if err := w.Write(append(cells, fmt.Sprint(r.Line), r.Reason)); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// DropOldFiles forgets the file of a dry run that nobody confirmed within a day,
// and says whether there was one: 1 or 0.
func (s *Service) DropOldFiles(ctx context.Context, _ int) (int, error) {
	return dropOldChunks(ctx, s.db)
}

// Forgotten enqueues the imports that no job works, after a crash.
func (s *Service) Forgotten(ctx context.Context) error {
	return s.db.Tx(ctx, func(ctx context.Context, tx bun.Tx) error {
		ids, err := forgotten(ctx, tx)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.jobs.Insert(ctx, tx, RunArgs{ImportID: id}); err != nil {
				return err
			}
		}
		return nil
	})
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}

func leaseName(id int64) string { return fmt.Sprintf("contact_import:%d", id) }
