package contact

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseAddressReadsEverySpelling(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, region        string
		wire, key, in, zone string
	}{
		{"+49 (0)151 12345678", "", "+4915112345678", "+4915112345678", "DE", "Europe/Berlin"},
		{"0151 12345678", "DE", "+4915112345678", "+4915112345678", "DE", "Europe/Berlin"},
		{"0049 151 12345678", "US", "+4915112345678", "+4915112345678", "DE", "Europe/Berlin"},
		{"whatsapp:+14155238886", "", "+14155238886", "+14155238886", "US", "America/Los_Angeles"},
		{"\u202a+33 6 12 67 94 73\u202c\n", "", "+33612679473", "+33612679473", "FR", "Europe/Paris"},
		{"+5215512345678", "", "+5215512345678", "+525512345678", "MX", "America/Mexico_City"},
		{"+525512345678", "", "+525512345678", "+525512345678", "MX", "America/Mexico_City"},
		{"+541165324855", "", "+541165324855", "+5491165324855", "AR", "America/Buenos_Aires"},
		{"+556284123456", "", "+556284123456", "+5562984123456", "BR", "America/Sao_Paulo"},
		{"+5562984123456", "", "+5562984123456", "+5562984123456", "BR", "America/Sao_Paulo"},
		{"whatsapp:BR.1000000000000001", "", "BR.1000000000000001", "BR.1000000000000001", "BR", ""},
		{"US.ENT.118aB", "BR", "US.ENT.118aB", "US.ENT.118aB", "US", ""},
	} {
		a, err := ParseAddress(c.text, c.region)
		require.NoError(t, err, c.text)
		require.Equal(t, c.wire, a.Wire, c.text)
		require.Equal(t, c.key, a.MatchKey, c.text)
		require.Equal(t, c.in, a.Region, c.text)
		require.Equal(t, c.zone, a.TimeZone, c.text)
	}
}

func TestParseAddressNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":             "empty",
		"call me":      "no country code",
		"0151 1234567": "no country code",
		"+999123456":   "not a phone number",
		"+1415523888":  "no such number",
		"=1+1":         "not a phone number",
	} {
		_, err := ParseAddress(text, "")
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("+49 151 12345678", "DE")
	f.Add("whatsapp:BR.1", "")
	f.Fuzz(func(t *testing.T, text, region string) {
		a, err := ParseAddress(text, region)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.Wire, "")
		require.NoError(t, err, "what was read reads again")
		require.Equal(t, a.MatchKey, again.MatchKey)
	})
}
