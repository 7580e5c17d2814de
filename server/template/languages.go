package template

import (
	"fmt"
	"slices"
	"strings"

	"eventstream/server/apperr"
)

// Language is one in which WhatsApp takes templates.
type Language struct {
	Code string // as WhatsApp writes it
	Name string // in English
}

// languages are those that Meta lists for message templates, by name. Twilio refuses others (error 92004).
var languages = func() []Language {
	const listed = `af Afrikaans|sq Albanian|ar Arabic|ar_EG Arabic (Egypt)|ar_AE Arabic (United Arab Emirates)|
ar_LB Arabic (Lebanon)|ar_MA Arabic (Morocco)|ar_QA Arabic (Qatar)|az Azerbaijani|be_BY Belarusian|bn Bengali|
bn_IN Bengali (India)|bg Bulgarian|ca Catalan|zh_CN Chinese (China)|zh_HK Chinese (Hong Kong)|zh_TW Chinese (Taiwan)|
hr Croatian|cs Czech|da Danish|prs_AF Dari|nl Dutch|nl_BE Dutch (Belgium)|en English|en_GB English (United Kingdom)|
en_US English (United States)|en_AE English (United Arab Emirates)|en_AU English (Australia)|en_CA English (Canada)|
en_GH English (Ghana)|en_IE English (Ireland)|en_IN English (India)|en_JM English (Jamaica)|en_MY English (Malaysia)|
en_NZ English (New Zealand)|en_QA English (Qatar)|en_SG English (Singapore)|en_UG English (Uganda)|
en_ZA English (South Africa)|et Estonian|fil Filipino|fi Finnish|fr French|fr_BE French (Belgium)|
fr_CA French (Canada)|fr_CH French (Switzerland)|fr_CI French (Ivory Coast)|fr_MA French (Morocco)|ka Georgian|
de German|de_AT German (Austria)|de_CH German (Switzerland)|el Greek|gu Gujarati|ha Hausa|he Hebrew|hi Hindi|
hu Hungarian|id Indonesian|ga Irish|it Italian|ja Japanese|kn Kannada|kk Kazakh|rw_RW Kinyarwanda|ko Korean|
ky_KG Kyrgyz|lo Lao|lv Latvian|lt Lithuanian|mk Macedonian|ms Malay|ml Malayalam|mr Marathi|nb Norwegian|ps_AF Pashto|
fa Persian|pl Polish|pt_BR Portuguese (Brazil)|pt_PT Portuguese (Portugal)|pa Punjabi|ro Romanian|ru Russian|
sr Serbian|si_LK Sinhala|sk Slovak|sl Slovenian|es Spanish|es_AR Spanish (Argentina)|es_CL Spanish (Chile)|
es_CO Spanish (Colombia)|es_CR Spanish (Costa Rica)|es_DO Spanish (Dominican Republic)|es_EC Spanish (Ecuador)|
es_HN Spanish (Honduras)|es_MX Spanish (Mexico)|es_PA Spanish (Panama)|es_PE Spanish (Peru)|es_ES Spanish (Spain)|
es_UY Spanish (Uruguay)|sw Swahili|sv Swedish|ta Tamil|te Telugu|th Thai|tr Turkish|uk Ukrainian|ur Urdu|uz Uzbek|
vi Vietnamese|zu Zulu`
	var all []Language
	for entry := range strings.SplitSeq(listed, "|") {
		code, name, _ := strings.Cut(strings.TrimSpace(entry), " ")
		all = append(all, Language{code, name})
	}
	slices.SortFunc(all, func(a, b Language) int { return strings.Compare(a.Name, b.Name) })
	return all
}()

// Languages are all in which WhatsApp takes templates, by name.
func Languages() []Language { return slices.Clone(languages) }

// LanguageName is how people call a language; of one that WhatsApp does not list, its code.
func LanguageName(code string) string {
	for _, l := range languages {
		if l.Code == code {
			return l.Name
		}
	}
	return code
}

// readLanguage finds one by its code in any spelling, such as pt-br. What has only a region that WhatsApp does not
// list (es_BO) is refused with what there is.
func readLanguage(code string) (string, error) {
	plain := strings.ReplaceAll(strings.TrimSpace(code), "-", "_")
	base, _, _ := strings.Cut(strings.ToLower(plain), "_")
	var near []string
	for _, l := range languages {
		if strings.EqualFold(l.Code, plain) {
			return l.Code, nil
		}
		if same, _, _ := strings.Cut(strings.ToLower(l.Code), "_"); same == base {
			near = append(near, fmt.Sprintf("%s (%s)", l.Code, l.Name))
		}
	}
	if len(near) > 0 {
		return "", apperr.Invalid("language", "%q is not a language in which WhatsApp takes templates: of this language it takes %s", code,
			strings.Join(near, ", "))
	}
	return "", apperr.Invalid("language", "%q is not a language in which WhatsApp takes templates, such as en, de or pt_BR", code)
}
