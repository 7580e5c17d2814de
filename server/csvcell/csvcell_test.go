package csvcell_test

import (
	"testing"

	"eventstream/server/csvcell"

	"github.com/stretchr/testify/require"
)

func TestGuardKeepsFormulasFromRunningAndComesOffAgain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@x": "'@x", "-2": "'-2", "+49 151 123": "+49 151 123",
		"+cmd|x": "'+cmd|x", "plain": "plain", "": "",
	} {
		require.Equal(t, want, csvcell.Guard(in))
		require.Equal(t, in, csvcell.Unguard(csvcell.Guard(in)))
	}
}
