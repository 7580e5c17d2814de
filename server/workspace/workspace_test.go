package workspace_test

import (
	"strings"
	"testing"

	"eventstream/server/actor"
	"eventstream/server/apperr"
	"eventstream/server/db/dbtest"
	"eventstream/server/workspace"

	"github.com/stretchr/testify/require"
)

func TestWhatIsNotNamedStays(t *testing.T) {
	t.Parallel()
	s := workspace.NewService(dbtest.New(t))
	ctx := actor.With(t.Context(), actor.System)
	is := func(want workspace.Settings) {
		t.Helper()
		got, err := s.Settings(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	is(workspace.Settings{TimeZone: "UTC"})
	require.NoError(t, s.Set(ctx, workspace.Change{Name: new("  Blue Shop ")}))
	is(workspace.Settings{Name: "Blue Shop", TimeZone: "UTC"})
	require.NoError(t, s.Set(ctx, workspace.Change{TimeZone: new("America/New_York")}))
	is(workspace.Settings{Name: "Blue Shop", TimeZone: "America/New_York"})
	require.NoError(t, s.Set(ctx, workspace.Change{Name: new("")}))
	is(workspace.Settings{TimeZone: "America/New_York"})
}

func TestWhatIsNoneIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	s := workspace.NewService(dbtest.New(t))
	ctx := actor.With(t.Context(), actor.System)
	for text, c := range map[string]workspace.Change{
		"workspace.timeZone": {Name: new("Blue Shop"), TimeZone: new("Berlin")},
		"workspace.name":     {Name: new(strings.Repeat("ä", 61))},
	} {
		err := s.Set(ctx, c)
		require.True(t, apperr.Is(err, apperr.CodeInvalid), "%v", err)
		require.ErrorContains(t, err, map[string]string{"workspace.timeZone": `"Berlin"`, "workspace.name": "60"}[text])
	}
	for _, name := range []string{"a\nb", "a\tb"} {
		require.Error(t, s.Set(ctx, workspace.Change{Name: &name}))
	}
	viewer := actor.With(t.Context(), actor.Actor{Kind: actor.KindOperator, ID: 1, Role: actor.RoleMarketer})
	require.True(t, apperr.Is(s.Set(viewer, workspace.Change{}), apperr.CodeForbidden))
	got, err := s.Settings(ctx)
	require.NoError(t, err)
	require.Equal(t, workspace.Settings{TimeZone: "UTC"}, got, "nothing half-done stays")
}
