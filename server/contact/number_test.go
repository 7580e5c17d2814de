package contact_test

import (
	"testing"

	"eventstream/server/apperr"
	"eventstream/server/contact"

	"github.com/stretchr/testify/require"
)

func TestDigitsWithoutPlusAreReadAsTheyCanOnlyBeMeant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, region, want string }{
		{"4915210000021", "DE", "+4915210000021"},
		{"447911123401", "DE", "+447911123401"},
		{"919876543201", "DE", "+919876543201"},
		{"62812345678", "ID", "+62812345678"}, // its own code
		{"919876543201", "IN", "+919876543201"},
		{"436641234567", "AT", "+436641234567"},
		{"14155238886", "US", "+14155238886"},
		{"4155238886", "US", "+14155238886"},
		{"0151 12345678", "DE", "+4915112345678"},
		{"15112345678", "DE", "+4915112345678"}, // the zero fell off in a spreadsheet
		{"6641234567", "AT", "+436641234567"},
		{"0049 151 12345678", "", "+4915112345678"},
		{"+4915112345678", "US", "+4915112345678"},
	} {
		a, err := contact.ParseAddress(c.text, c.region)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, a.Wire, "%s in %s", c.text, c.region)
	}
	for _, c := range []struct{ text, region, national, international string }{
		{"33612345601", "DE", "+4933612345601", "+33612345601"},
		{"17012345678", "DE", "+4917012345678", "+17012345678"},
	} {
		_, err := contact.ParseAddress(c.text, c.region)
		require.True(t, apperr.Is(err, apperr.CodeInvalid))
		require.ErrorContains(t, err, c.national)
		require.ErrorContains(t, err, c.international)
		for reading, want := range map[contact.Reading]string{
			contact.ReadingNational: c.national, contact.ReadingInternational: c.international,
		} {
			a, err := contact.ReadAddress(c.text, c.region, reading)
			require.NoError(t, err)
			require.Equal(t, want, a.Wire)
		}
	}
	_, err := contact.ParseAddress("4915112345678", "")
	require.ErrorContains(t, err, "no country code")
	a, err := contact.ReadAddress("4915112345678", "", contact.ReadingInternational)
	require.NoError(t, err)
	require.Equal(t, "+4915112345678", a.Wire)
	a, err = contact.ReadAddress("0151 12345678", "DE", contact.ReadingInternational)
	require.NoError(t, err, "no code begins with 0")
	require.Equal(t, "+4915112345678", a.Wire)
}

func TestNumbersAsSpreadsheetsAndChatsLeaveThem(t *testing.T) {
	t.Parallel()
	const want = "+4915112345678"
	for _, text := range []string{
		`="+4915112345678"`, `="004915112345678"`, "+49\u202f151\u202f12345678", "+49\u2007151\u200912345678",
		"+49\u00a0151\u00a012345678", "+49\u2003151\u300012345678", "+49151\ufe0d12345678", "\u202a+4915112345678\u202c",
		"+4915112345678\u0301", "＋４９１５１１２３４５６７８", "٠٠٤٩١٥١١٢٣٤٥٦٧٨", "۰۰۴۹۱۵۱۱۲۳۴۵۶۷۸", "००४९१५११२३४५६७८", "００４９１５１１２３４５６７８",
		"+49 (0)151 12345678", "+49–151–12345678", "tel:+49-151-12345678", "whatsapp:+4915112345678",
		"https://wa.me/4915112345678", "wa.me/4915112345678?text=hi", "4915112345678.0", "4915112345678,00",
		"4.915112345678E12", "4,915112345678e+12", "+49 151 12345678 / +49 152 12345678", "+49 151/12345678",
		"+4915112345678; 030 123456", "123 4567, +4915112345678", "+4915112345678 or +4915212345678",
		"+4915112345678\n+4915212345678", "+4915112345678 ::: +4915212345678",
	} {
		a, err := contact.ParseAddress(text, "DE")
		require.NoError(t, err, text)
		require.Equal(t, want, a.Wire, text)
	}
	for text, reason := range map[string]string{
		"4.91512E12": "digits are lost", "4.91512e+12": "digits are lost", "6,28123E11": "digits are lost",
		"+4915112345678 x123": "extension 123", "+4915112345678;ext=9": "extension 9",
		"0000000000, 1111111": "holds 2 numbers", "": "empty", "\u200e": "empty",
	} {
		_, err := contact.ParseAddress(text, "DE")
		require.True(t, apperr.Is(err, apperr.CodeInvalid), text)
		require.ErrorContains(t, err, reason, text)
	}
}

func TestLettersAndTheirAccentsAreComposed(t *testing.T) {
	t.Parallel()
	require.Equal(t, "Jos\u00e9", contact.CleanText(" Jose\u0301\x00 "))
}

// TestTheFormsOfOneNumberAreOnePerson: the old and the new form of renumbered countries.
func TestTheFormsOfOneNumberAreOnePerson(t *testing.T) {
	t.Parallel()
	for old, modern := range map[string]string{
		"+5215512345678": "+525512345678", "+541123456789": "+5491123456789", "+551187654321": "+5511987654321",
		"+22507123456": "+2250707123456", "+22505123456": "+2250505123456", "+22501123456": "+2250101123456",
		"+22548123456": "+2250748123456", "+22997123456": "+2290197123456", "+2207123456": "+220877123456",
		"+2203123456": "+220833123456", "+841201234567": "+84701234567", "+841691234567": "+84391234567",
	} {
		a, err := contact.ParseAddress(old, "")
		require.NoError(t, err, old)
		require.Equal(t, old, a.Wire, "it is written to under the form that it has")
		require.Equal(t, modern, a.MatchKey, old)
	}
	a, err := contact.ParseAddress("+2250707123456", "")
	require.NoError(t, err)
	require.Equal(t, "+2250707123456", a.MatchKey)
}

// TestEitherFormOfANumber joins them whichever comes first, by a file or by WhatsApp.
// Facts: the plans' own tables, as server/contact/plans.go cites them.
func TestEitherFormOfANumber(t *testing.T) {
	t.Parallel()
	for old, modern := range map[string]string{
		"+22507123456": "+2250707123456", "+22545123456": "+2250545123456", "+22501123456": "+2250101123456", // mobile
		"+22520212345": "+2252720212345", "+22522412345": "+2252722412345", "+22530012345": "+2252530012345", // fixed
		"+22997123456": "+2290197123456", "+22921312345": "+2290121312345",
		"+2203012345": "+220833012345", "+2207012345": "+220877012345", "+2206612345": "+220866612345", "+2204012345": "+220874012345",
		"+2205812345": "+220835812345", "+2202212345": "+220872212345",
		"+841201234567": "+84701234567", "+841231234567": "+84831234567", "+841621234567": "+84321234567", "+841861234567": "+84561234567",
		"+841991234567": "+84591234567", "+5215512345678": "+525512345678", "+541165324855": "+5491165324855", "+556284123456": "+5562984123456",
	} {
		for _, text := range []string{old, modern} {
			a, err := contact.ParseAddress(text, "")
			require.NoError(t, err, "%s of %s", text, old)
			require.Equal(t, modern, a.MatchKey, text)
			require.NotEmpty(t, a.Region, text)
			d, err := contact.DeliveredAddress("whatsapp:" + text)
			require.NoError(t, err)
			require.Equal(t, a, d, "a file and WhatsApp mean the same")
		}
	}
	for _, unchanged := range []string{"+2209912345", "+221771234567", "+22670123456"} { // Gamcel; Senegal; Burkina Faso
		a, err := contact.ParseAddress(unchanged, "")
		require.NoError(t, err)
		require.Equal(t, unchanged, a.MatchKey)
	}
}

func TestWhatWasDeliveredComesFromAnAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"whatsapp:+22507123456": "+2250707123456", "whatsapp:+999123456789": "+999123456789", "whatsapp:+4912": "",
		"whatsapp:+4915112345678": "+4915112345678", "whatsapp:US.13491208655302741918": "US.13491208655302741918", "": "",
	} {
		a, err := contact.DeliveredAddress(text)
		require.Equal(t, want, a.MatchKey, text)
		require.Equal(t, want == "", err != nil, text)
	}
}
