package consent

import (
	"strings"
	"testing"
)

func BenchmarkUnderstand(b *testing.B) {
	for name, text := range map[string]string{
		"word": "STOP", "worst": strings.Repeat("cancel texts remove my number list not want send get stop newsletter ", 9) + "yesterday",
		"short": "Thanks, see you tomorrow at ten!",
		"long": "Hello, I have told you three times that I don't want to receive these offers, what is wrong with you people? " +
			"My order of last week has not arrived yet either, and nobody answers the phone, so please tell me when it comes.",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				builtIn().Understand(Said{Body: text})
			}
		})
	}
}
