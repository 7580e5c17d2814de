package importer

import (
	"strings"
	"testing"
	"time"

	"eventstream/server/consent"
	"eventstream/server/contact"
	"eventstream/server/contact/contacttest"

	"github.com/stretchr/testify/require"
)

// TestABatchThatLostToAnotherTransactionIsBegunAnew, whatever it lost by, and counts
// nothing twice.
func TestABatchThatLostToAnotherTransactionIsBegunAnew(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	_, err := m.db.NewRaw(`
		CREATE SEQUENCE progress;
		CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('progress') % 2 = 1 THEN
				RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001';
			END IF;
			RETURN NEW;
		END $$;
		CREATE TRIGGER lose BEFORE UPDATE OF rows_done ON imports FOR EACH ROW WHEN (new.rows_done > old.rows_done)
			EXECUTE FUNCTION lose()`).Exec(m.ctx)
	require.NoError(t, err)
	people := "phone,name\n+4915112340001,Ann\n+4915112340002,Bob\n"
	log := logHeader + fromPerson(1, 3, "STOP", time.Now().Add(-time.Hour)) + fromPerson(2, 4, "Hello", time.Now().Add(-time.Hour))
	for _, file := range []string{people, log} {
		for _, dry := range []bool{true, false} {
			imp, err := m.Start(m.ctx, Request{FileName: "f.csv", Mode: ModeUpsert, DryRun: dry}, strings.NewReader(file))
			require.NoError(t, err)
			require.NoError(t, m.Run(m.ctx, imp.ID))
			imp, err = m.ByID(m.ctx, imp.ID)
			require.NoError(t, err)
			require.Equal(t, StatusCompleted, imp.Status, imp.Failure)
			require.Equal(t, []int64{2, 2, 0, 0}, []int64{imp.RowsDone, imp.Created, imp.Unchanged, imp.Duplicates})
			if file == log {
				require.Equal(t, &Messages{Received: 2, OptOuts: 1, Contacts: 2}, imp.Messages)
			}
		}
	}
	require.Equal(t, "8", m.text("SELECT last_value FROM progress"), "each lost once")
}

// TestWhatALogSaysOfPeopleOutlastsAMerge: they are merged while it is settled, and it
// holds for the contact that stays.
func TestWhatALogSaysOfPeopleOutlastsAMerge(t *testing.T) {
	t.Parallel()
	m := moveIn(t)
	imp := m.imports(logHeader+toPerson(1, 1, "failed", 21610, time.Now().Add(-time.Hour)), Request{FileName: "log.csv"})
	kept := contact.New(contact.Address{Wire: "+4915112340002", MatchKey: "+4915112340002", Kind: contact.KindPhone, Region: "DE"})
	contacttest.Insert(t, m.db, kept)
	rival, err := m.db.BeginTx(m.ctx, nil)
	require.NoError(t, err)
	_, err = rival.NewRaw("UPDATE contacts SET merged_into = ?, erased_at = now() WHERE address = '+4915112340001'", kept.ID).Exec(m.ctx)
	require.NoError(t, err)
	settled := make(chan error, 1)
	go func() { settled <- m.settle(m.ctx, imp) }()
	require.Eventually(t, func() bool {
		return m.text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == "1"
	}, time.Minute, 5*time.Millisecond)
	require.NoError(t, rival.Commit())
	require.NoError(t, <-settled)
	require.Equal(t, string(contact.ConsentOptedOut), m.text("SELECT consent_status FROM contacts WHERE id = ?", kept.ID))
	require.Equal(t, string(consent.SourceProvider), m.text("SELECT source FROM consent_events WHERE contact_id = ?", kept.ID))
}
