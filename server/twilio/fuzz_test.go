package twilio

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzInbound: whatever parameters a webhook has, they are signed by one order of their names alone,
// and read into a message.
func FuzzInbound(f *testing.F) {
	for _, form := range []string{
		"MessageSid=SM00000000000000000000000000000000&From=whatsapp%3A%2B4915112345678&To=whatsapp%3A%2B14155238886&Body=STOP&NumMedia=0",
		"Latitude=52.5&Longitude=-13.4&Label=Caf%C3%A9&Address=&NumMedia=99&MediaUrl0=x&MediaContentType0=text%2Fvcard",
		"ButtonText=Stop&ButtonPayload=STOP&OptOutType=START&From=whatsapp%3AUS.1", "NumMedia=-1&MediaUrl=", "%00=%ff", "",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		params, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		one := map[string]string{}
		for name := range params {
			one[name] = params.Get(name)
		}
		_ = Reader{}.Inbound(one)
		const address = "https://shop.example/webhooks/twilio/inbound"
		accounts := []Account{{SID: "AC1", AuthToken: "secret"}}
		_, ok := Verify(accounts, address, params, Sign("secret", address, params))
		require.True(t, ok)
		_, ok = Verify(accounts, address, params, Sign("another", address, params))
		require.False(t, ok)
	})
}
