package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"eventstream/server/pause"
	"eventstream/server/rig"

	"github.com/jackc/pgx/v5"
)

// Import measures rows a second of a CSV file — read, numbers checked,
// duplicates found, contacts and consent written — beside COPY of the contacts
// that came of it into a table with the same indexes.
func (b *Bench) Import(ctx context.Context, rows int) (Table, error) {
	t := Table{
		Title: "Import",
		Intro: fmt.Sprintf("A CSV file of %d rows, one in fifty a duplicate and one in a hundred broken, uploaded and worked by one worker process. The ceiling is COPY of the "+
			"contacts that came of it into an empty table with the same indexes, in the same run: no parsing, no checks, no consent ledger.", rows),
		Head: []string{"", "rows/s", "COPY, rows/s", "ratio", "seconds", "worker, MB"},
	}
	r, release, err := b.fresh(ctx)
	if err != nil {
		return t, err
	}
	defer release()
	server, err := r.Start(ctx, "serve")
	if err != nil {
		return t, err
	}
	defer server.Stop()
	worker, err := r.Start(ctx, "work")
	if err != nil {
		return t, err
	}
	defer worker.Stop()
	path := filepath.Join(b.dir, "people.csv")
	if err := writePeople(path, rows); err != nil {
		return t, err
	}
	first, memory, err := runImport(ctx, r, worker, path, 1)
	if err != nil {
		return t, err
	}
	second, again, err := runImport(ctx, r, worker, path, 2)
	if err != nil {
		return t, err
	}
	copied, err := b.copyContacts(ctx, r)
	if err != nil {
		return t, err
	}
	for _, c := range []struct {
		name   string
		took   float64
		memory float64
	}{{"first import", first, memory}, {"the same file again", second, again}} {
		rate := float64(rows) / c.took
		b.log("import: %s: %.0f rows/s, COPY %.0f rows/s, ratio %.2f, %.0f MB", c.name, rate, copied, rate/copied, c.memory)
		t.Rows = append(t.Rows, []string{c.name, fmt.Sprintf("%.0f", rate), fmt.Sprintf("%.0f", copied), fmt.Sprintf("%.2f", rate/copied), fmt.Sprintf("%.1f", c.took), fmt.Sprintf("%.0f", c.memory)})
	}
	return t, nil
}

func writePeople(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = fmt.Fprintln(w, "phone;Name;City;Points;Plan;opt-in;opt-in date")
	cities, plans := []string{"Berlin", "Hamburg", "Köln", "München", "Leipzig"}, []string{"free", "pro", "enterprise"}
	for i := range rows {
		number := fmt.Sprintf("+49151%08d", i)
		switch {
		case i%100 == 99:
			number = "n/a"
		case i%50 == 49:
			number = fmt.Sprintf("0049 151 %08d", i-1) // the one before, in another spelling
		}
		_, _ = fmt.Fprintf(w, "%s;Person %d;%s;%d;%s;%s;2026-0%d-15\n", number, i, cities[i%len(cities)], i%5000, plans[i%len(plans)], []string{"yes", "yes", "no"}[i%3], 1+i%9)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func runImport(ctx context.Context, r *rig.Rig, worker *rig.Process, path string, id int) (seconds, memoryMB float64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	if err := r.Upload(ctx, "people.csv", f); err != nil {
		return 0, 0, err
	}
	for {
		if err := pause.For(ctx, 200*time.Millisecond); err != nil {
			return 0, 0, err
		}
		memoryMB = max(memoryMB, worker.MemoryMB())
		done, err := r.Number(ctx, "SELECT count(*) FROM imports WHERE id = ? AND finished_at IS NOT NULL", id)
		if err != nil {
			return 0, 0, err
		}
		if done == 1 {
			break
		}
	}
	seconds, err = r.Seconds(ctx, "SELECT extract(epoch FROM finished_at - started_at)::float8 FROM imports WHERE id = ? AND status = 'completed'", id)
	return seconds, memoryMB, err
}

// copyContacts copies all contacts out to a file and, measured, in again.
func (b *Bench) copyContacts(ctx context.Context, r *rig.Rig) (perSecond float64, err error) {
	conn, err := pgx.Connect(ctx, r.DatabaseURL())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE TABLE copied (LIKE contacts INCLUDING ALL)"); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(b.dir, "copy")
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if _, err := conn.PgConn().CopyTo(ctx, f, "COPY contacts TO STDOUT"); err != nil {
		return 0, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	began := time.Now()
	tag, err := conn.PgConn().CopyFrom(ctx, f, "COPY copied FROM STDIN")
	return float64(tag.RowsAffected()) / time.Since(began).Seconds(), err
}
