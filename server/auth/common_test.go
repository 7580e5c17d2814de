package auth

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswordsThatWouldBeGuessed(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"1234567890", "qwertyuiop", "0987654321", "aaaaaaaaaaaa", "abcdefghijkl", "zyxwvutsrqp", "1212121212", "Password123",
		"P@ssw0rd2026", "p4ssw0rd!!!!", "Football1234", "iloveyou2!!!", "!!baseball!!",
		"ada.lovelace", "lovelace2026", "Ada-Lovelace!",
		"shopshopshop1", "trustno1!!",
	} {
		require.NotEmpty(t, weakness(p, "Ada Lovelace", "ada.lovelace@shop.example"), p)
		require.Error(t, checkPassword("password", p, "Ada Lovelace", "ada.lovelace@shop.example"), p)
	}
	for _, p := range []string{
		"correct horse battery", "a long enough password", "v8Xq-2Lkd.99", "пароль из четырёх слов",
		"lovelace wrote the first program",
		"monkeys paint purple walls", "Ada eats 14 green pears",
	} {
		require.Empty(t, weakness(p, "Ada Lovelace", "ada.lovelace@shop.example"), p)
	}
}
