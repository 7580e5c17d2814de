package secret_test

import (
	"strings"
	"testing"

	"eventstream/server/secret"

	"github.com/stretchr/testify/require"
)

const first, second = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"

func TestWhatWasSealedOpensForItsPurposeOnly(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	sealed, err := k.Seal("totp 7", []byte("the seed"))
	require.NoError(t, err)
	require.NotContains(t, sealed, "seed")
	plain, err := k.Open("totp 7", sealed)
	require.NoError(t, err)
	require.Equal(t, "the seed", string(plain))
	again, err := k.Seal("totp 7", []byte("the seed"))
	require.NoError(t, err)
	require.NotEqual(t, sealed, again, "every ciphertext has a nonce of its own")

	_, err = k.Open("totp 8", sealed)
	require.ErrorIs(t, err, secret.ErrUnreadable)
	_, err = secret.New(second).Open("totp 7", sealed)
	require.ErrorIs(t, err, secret.ErrUnreadable)
	for _, spoilt := range []string{
		"", "v1", "v1..", "v1.x.y", sealed[:20], sealed + "A", strings.Replace(sealed, "v1", "v2", 1),
	} {
		_, err = k.Open("totp 7", spoilt)
		require.ErrorIs(t, err, secret.ErrUnreadable, spoilt)
	}
}

func TestASignatureHoldsForItsTextAndPurpose(t *testing.T) {
	t.Parallel()
	k := secret.New(first)
	s := k.Sign("device", "7.nonce")
	require.True(t, k.Signed("device", "7.nonce", s))
	require.False(t, k.Signed("device", "8.nonce", s))
	require.False(t, k.Signed("other", "7.nonce", s))
	require.False(t, k.Signed("device", "7.nonce", ""))
	require.False(t, secret.New(second).Signed("device", "7.nonce", s))
}

func TestAfterARotationTheOldKeyReadsAndTheNewOneWrites(t *testing.T) {
	t.Parallel()
	sealed, err := secret.New(first).Seal("p", []byte("x"))
	require.NoError(t, err)
	signed := secret.New(first).Sign("p", "x")
	rotated := secret.New(second, first)
	plain, err := rotated.Open("p", sealed)
	require.NoError(t, err)
	require.Equal(t, "x", string(plain))
	require.True(t, rotated.Signed("p", "x", signed))
	renewed, err := rotated.Seal("p", plain)
	require.NoError(t, err)
	_, err = secret.New(second).Open("p", renewed)
	require.NoError(t, err, "the old key may go once all is renewed")
}
