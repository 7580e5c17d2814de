package csvcell

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

func TestGuardKeepsFormulasFromRunningAndComesOffAgain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@x": "'@x", "-2": "'-2", "+49 151 123": "+49 151 123", "+cmd|x": "'+cmd|x", "plain": "plain", "": "",
		"＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x", "﹦1": "'﹦1", "−1": "'−1",
		"a;=1+1": "a;'=1+1", "a;=1+1;b": "a;'=1+1;b", "a;;=1": "a;;'=1", "a;＝1": "a;'＝1", "a; =1": "a;' =1", "a;\"=1": "a;'\"=1",
		"a\t=1": "a\t'=1", "a|=1": "a|'=1", "a\n=1": "a\n'=1", "a\r\n=1": "a\r\n'=1", "a;+49 151 1": "a;+49 151 1", "a;+1+cmd": "a;'+1+cmd",
		" =1": "' =1", "\u00a0=1": "'\u00a0=1", "\ufeff=1": "'\ufeff=1", `"=1"`: `'"=1"`, "'=1": "''=1", "''=1": "'''=1", "'x": "'x",
		"\t=1": "\t'=1", "\tx": "\tx", "\n": "\n", "a=1+1": "a=1+1", "a, -5": "a, -5", "1-2": "1-2", "x;y": "x;y", "a;": "a;",
		"=": "'=", "+": "+", "a;'=1": "a;''=1", "mail@shop.example": "mail@shop.example",
	} {
		require.Equal(t, want, Guard(in), "%q", in)
		require.Equal(t, in, Unguard(Guard(in)), "%q", in)
	}
}

func FuzzGuard(f *testing.F) {
	for _, s := range []string{"=1+1", "a;=1", "'=1", "\t\r\n=", "a|'＝", "+1;'+cmd", " '\"-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		guarded := Guard(s)
		if Unguard(guarded) != s {
			t.Fatalf("%q became %q", s, Unguard(guarded))
		}
		for _, part := range append(strings.FieldsFunc(guarded, func(r rune) bool { return strings.ContainsRune(breaks, r) }), guarded) {
			if part != "" && strings.ContainsRune("=@-＝＋－＠", []rune(part)[0]) {
				t.Fatalf("%q has %q", guarded, part)
			}
		}
	})
}

// written makes a table out of rows.
func written(t *testing.T, table Table, rows [][]string) {
	t.Helper()
	for _, row := range rows {
		require.NoError(t, table.Write(row))
		require.NoError(t, table.Flush())
	}
	require.NoError(t, table.Close())
}

func TestEveryCellOfCSVIsGuarded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table, err := NewTable(CSV, &out)
	require.NoError(t, err)
	written(t, table, [][]string{{"phone", "=name"}, {"+4915112345678", "a;=1+1"}})
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{{"phone", "'=name"}, {"+4915112345678", "a;'=1+1"}}, rows)
}

func TestAWorkbookHoldsTextsAsTheyAre(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table, err := NewTable(XLSX, &out)
	require.NoError(t, err)
	rows := [][]string{
		{"phone", "text", "more"},
		{"+4915112345678", "=1+1", "＝1+1"},
		{"0049", "a;=1+1\n<b>&\"'", " spaces "},
		{"", "_x0041_ and _x005F_", "0.10"},
	}
	written(t, table, rows)
	book, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.Equal(t, []string{"Sheet1"}, book.GetSheetList())
	got, err := book.GetRows("Sheet1")
	require.NoError(t, err)
	require.Equal(t, rows, got)
	for _, name := range []string{"A2", "B2", "C2", "C4"} {
		formula, err := book.GetCellFormula("Sheet1", name)
		require.NoError(t, err)
		require.Empty(t, formula)
		kind, err := book.GetCellType("Sheet1", name)
		require.NoError(t, err)
		require.Equal(t, excelize.CellTypeInlineString, kind)
	}
}

func TestAFullSheetIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	written(t, newSheets(&out, 3), [][]string{{"n"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}})
	book, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	var got [][][]string
	for _, name := range book.GetSheetList() {
		rows, err := book.GetRows(name)
		require.NoError(t, err)
		got = append(got, rows)
	}
	require.Equal(t, [][][]string{{{"n"}, {"1"}, {"2"}}, {{"n"}, {"3"}, {"4"}}, {{"n"}, {"5"}}}, got)

	out.Reset()
	written(t, newSheets(&out, 3), nil)
	book, err = excelize.OpenReader(bytes.NewReader(out.Bytes()))
	require.NoError(t, err)
	require.Equal(t, []string{"Sheet1"}, book.GetSheetList(), "nothing is a workbook too")
}

func TestALongTextIsCutForACell(t *testing.T) {
	t.Parallel()
	require.Equal(t, strings.Repeat("x", cellUnits-1)+"…", plain(strings.Repeat("x", cellUnits+10)))
	require.Equal(t, strings.Repeat("x", cellUnits), plain(strings.Repeat("x", cellUnits)))
	require.LessOrEqual(t, len([]rune(plain(strings.Repeat("👋", cellUnits)))), cellUnits/2+1)
	require.Equal(t, strings.Repeat("ä", 20_000), plain(strings.Repeat("ä", 20_000)))
}
