package importer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"eventstream/server/apperr"
	"eventstream/server/contact"
	"eventstream/server/say"
)

// guesses are the headers that people use, folded by foldHeader.
var guesses = map[Field][]string{
	FieldAddress: { // see also mentionsPhone
		"number", "address", "to", "contactnumber", "numero", "número", "nummer", "numer", "nomor", "nohp", "hp", "cep", "号码", "番号",
	},
	FieldBSUID: {
		"bsuid", "bsuids", "whatsappuserid", "whatsappbsuid", "externaluserid", "externaluseridentifier", "businessscopeduserid",
	},
	FieldName: {
		"name", "fullname", "contactname", "customername", "displayname", "nombre", "nom", "nome",
		"profilename", "vorundnachname", "namevorname", "nombrecompleto", "nomcomplet", "nomecompleto", "client", "customer",
		"kunde", "nama", "namalengkap", "naam", "volledigenaam", "imięinazwisko", "adsoyad", "isim", "фио", "姓名", "名前", "氏名", "이름",
		"नाम", "الاسم", "имяифамилия", "hoten", "họtên", "ชื่อ",
	},
	FieldFirstName: {
		"firstname", "givenname", "forename", "vorname", "prenom", "prénom", "primernombre", "primeironome", "voornaam", "imię", "imie",
		"ad", "имя", "ім'я", "förnamn", "fornavn", "etunimi", "jméno", "prenume", "namadepan", "fname", "nombredepila",
	},
	FieldLastName: {
		"lastname", "surname", "familyname", "nachname", "familienname", "nomdefamille", "apellido",
		"apellidos", "sobrenome", "cognome", "achternaam", "nazwisko", "soyad", "soyadı", "фамилия", "прізвище", "efternamn",
		"etternavn", "sukunimi", "příjmení", "namabelakang", "lname", "apelido", "primerapellido",
	},
	FieldRegion: {
		"country", "countrycode", "region", "pais", "país", "land", "pays", "iso", "countryiso", "dialcode", "countryname",
		"isocountrycode", "ländercode", "landesvorwahl", "countryregion", "phonecountrycode", "phonecountry", "phoneprefix",
		"countrycallingcode", "callingcode", "dialingcode", "phonecode", "isdcode", "isd", "mobilecountrycode", "countrydialcode",
		"ländervorwahl", "indicatif", "codepays", "codigopais", "códigopaís", "codigodepais", "códigodepaís", "codicepaese",
		"paese", "nazione", "kraj", "ülke", "ulke", "страна", "країна", "国家", "國家", "国", "국가", "negara", "देश", "الدولة", "البلد",
		"země", "zeme", "ország", "țară", "tara", "χώρα", "maa", "quocgia", "quốcgia", "ประเทศ", "countryofresidence", "nation",
		"shippingcountry", "billingcountry", "mailingcountry", "addresscountry",
	},
	FieldLocale:   {"locale", "language", "lang", "sprache", "idioma"},
	FieldTimeZone: {"timezone", "tz", "zeitzone"},
	FieldConsent: {
		"optin", "optedin", "consent", "consentgiven", "consented", "agreed", "permission", "consentstatus", "consentstate", "subscribed", "marketingconsent",
		"whatsappoptin", "whatsappconsent", "whatsappmarketingconsent", "waoptin", "optinwhatsapp", "marketingoptin",
		"einwilligung", "whatsappeinwilligung", "status", "subscriptionstatus",
	},
	FieldOptOut: {
		"optout", "optedout", "unsubscribed", "unsubscribe", "unsubscribedat", "unsubtime", "unsubscribetime", "blocklisted",
		"blacklisted", "whatsappblocklisted", "donotcontact", "dnc", "abgemeldet", "allowbroadcast", "optedoutat", "dnd", "donotdisturb",
		"donotmessage", "donottext", "donotwhatsapp", "optouttime", "optoutdate", "unsubscribeddate", "unsubscribedate", "unsubscribedon",
		"abgemeldetam", "blocklist", "blacklist", "blocked", "suppressed", "baja", "désabonné", "desabonne", "desinscrit",
		"unsubscribedfromallemail", "emailblocklisted", "smsblocklisted", "emailblacklisted", "smsblacklisted",
	},
	FieldTopics: {"topics", "topic", "themen", "temas", "thèmes", "temi"},
	FieldConsentAt: {
		"optindate", "consentdate", "consentat", "optedinat", "optinat", "consenttime", "optintime",
		"consenttimestamp", "optindatum", "einwilligungam", "einwilligungsdatum",
	},
}

var guess = func() map[string]Field {
	m := map[string]Field{}
	for f, names := range guesses {
		for _, n := range names {
			m[foldHeader(n)] = f
		}
	}
	return m
}()

// onlyByContent are headers that mean a field only where the column holds such words:
// a status is often that of an order.
var onlyByContent = map[string]bool{"status": true, "subscriptionstatus": true}

// tellsWhoLeft are headers of columns that say of somebody, among much else, that they
// left: those of another system's states, and of consent to its other channels.
var tellsWhoLeft = regexp.MustCompile(`(?i)status|consent|subscri|opt ?(in|out)|suppress|list ?type|marketing`)

// stateHeader heads a country where no other column does; beside one it heads a state,
// and DE is Delaware.
const stateHeader = "region"

func foldHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// Words of headers, for what a column of phone numbers may be called.
var (
	phoneWord = regexp.MustCompile(`(?i)phone|mobil|handy|telefon|telefoon|telefone|celular|cellular|cell|whats\s*app|msisdn|m[oó]vil|` +
		`rufnummer|gsm|portable|telem[oó]vel|cep tel|kom[oó]rk|puhelin|\bhp\b|điện thoại|\bwa[ _]?id\b|\btel\b|\bsms\b|` +
		`t[eé]l[eé]phone|тел|номер|телефон|мобил|τηλ[εέ]φ|κινητ|هاتف|جوال|موبايل|电话|手机|電話|携帯|전화|휴대폰|फ़ोन|फोन|मोबाइल|โทรศัพท์|มือถือ|טלפון|נייד`)
	mobileWord = regexp.MustCompile(`(?i)mobil|handy|celular|cell|m[oó]vil|telem[oó]vel|gsm|portable|\bcep\b|kom[oó]rk|\bhp\b|` +
		`мобил|κινητ|手机|携帯|휴대폰|मोबाइल|มือถือ|נייד|جوال|موبايل|iphone`)
	whatsAppWord = regexp.MustCompile(`(?i)whats\s*app|\bwa[ _]?id\b`)
	// No phone column of the person's: other things, and other people.
	notPhoneWord = regexp.MustCompile(`(?i)fax|e-?mail|pager|assist|ayudante|emergency|notfall|spouse|partner|parent|manager|referr|` +
		`\btype\b|\btyp\b|\blabel\b|opt[ _-]?(in|out)|consent|marketing|subscri|status|\bdate\b|country|model|verified|extension|` +
		`blocklist|blacklist|einwilligung|\bcode\b|main|phonetic|prefix|vorwahl|carrier|provider|\bimei\b|next of kin|broadcast|` +
		`\b(?:created|updated|added|modified|changed)\b`)
	internationalWord = regexp.MustCompile(`(?i)\bwa[ _]?id\b|^whats\s*app\s*id$`) // written with the country code and no +
	labelOf           = regexp.MustCompile(`(?i)^(.*?)[ _–-]*(?:label|type|typ|bezeichnung|libellé|etiqueta|tipo)$`)
	valueOf           = regexp.MustCompile(`(?i)^(.*?)[ _–-]*(?:value|wert|valeur|valor|valore)$`)
)

var (
	capital = regexp.MustCompile(`([a-z])([A-Z])`)
	joint   = strings.NewReplacer("_", " ", "-", " ", "$", " ")
)

// words parts a header at its capitals and signs: firstName, first_name.
func words(header string) string { return joint.Replace(capital.ReplaceAllString(header, "$1 $2")) }

func mentionsPhone(header string) bool {
	w := words(header)
	return phoneWord.MatchString(w) && !notPhoneWord.MatchString(w)
}

// HeadsNumbers holds for a header of a column of addresses, as people write them.
func HeadsNumbers(header string) bool {
	f := guess[foldHeader(header)]
	return f == FieldAddress || f == FieldBSUID || mentionsPhone(header)
}

var notKey = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// AttributeKey makes a key of a header: "Loyalty points" is loyalty_points.
func AttributeKey(header string) string {
	key := strings.Trim(notKey.ReplaceAllString(strings.ToLower(header), "_"), "_")
	if r := []rune(key); len(r) > 64 {
		key = string(r[:64])
	}
	return key
}

// mapColumns decides what each column is read into: as the operator says, else as
// the program that wrote the file names its columns, else by header and content.
func mapColumns(opts *Options, t table, req *Request) error {
	if err := checkMapping(t.names, req.Mapping); err != nil {
		return err
	}
	taken := map[Field]bool{}
	for _, f := range req.Mapping {
		taken[f] = true
	}
	from := recognize(t.names)
	opts.Source = from.name
	if from.name == sourceTwilio {
		mapLog(opts, t)
		return nil
	}
	opts.Columns = make([]Column, len(t.names))
	guessed := guessFields(from, t, req)
	// Phone columns first: what is none may be called like one.
	phones := map[int]bool{}
	if !taken[FieldAddress] {
		for _, i := range phoneColumns(t, req) {
			phones[i] = true
		}
	}
	for i, name := range t.names {
		f, chosen := req.Mapping[name]
		if !chosen {
			f = guessed[i]
			if phones[i] && f != FieldBSUID {
				f = FieldAddress
			} else if f == FieldAddress || !f.several() && taken[f] {
				f = FieldIgnore
			}
			if key := AttributeKey(name); f == FieldIgnore && key != "" && !rejectColumns[name] &&
				!taken["attributes."+Field(key)] {
				f = "attributes." + Field(key)
			}
			taken[f] = true
		}
		c := Column{Name: name, Field: f, Samples: samplesOf(t, i)}
		if f == FieldOptOut {
			folded := foldHeader(name)
			c.WordsOnly = guess[folded] != FieldOptOut && guess[withoutChannel(folded)] != FieldOptOut &&
				tellsWhoLeft.MatchString(words(name))
		}
		switch {
		case strings.HasPrefix(string(f), "attributes."):
			c.Type, c.DateOrder = typeOf(t, i)
		case f == FieldConsentAt:
			c.DateOrder, _ = orderOf(t.column(i))
		}
		if c.DateOrder == DateOrderOpen {
			c.DateOrder = opts.DateOrder
		}
		opts.Columns[i] = c
	}
	if !taken[FieldAddress] && !taken[FieldBSUID] { // the columns go with it: who maps them needs their names
		return apperr.Invalid("file",
			"no column holds phone numbers; the columns are %s. Say which one it is in the mapping", strings.Join(t.names, ", "))
	}
	opts.prepare()
	return opts.look(t, req)
}

func checkMapping(names []string, chosen map[string]Field) error {
	taken := map[Field]bool{}
	for name, f := range chosen {
		if !slices.Contains(names, name) {
			return apperr.Invalid("mapping", "the file has no column %q; it has %s", name, strings.Join(names, ", "))
		}
		if err := checkField(f); err != nil {
			return err
		}
		if !f.several() && taken[f] {
			return apperr.Invalid("mapping", "two columns are mapped to %q", f)
		}
		taken[f] = true
	}
	return nil
}

// several tells whether more than one column may be read into a field: of numbers the
// best is taken, of opt-outs each counts.
func (f Field) several() bool { return f == FieldIgnore || f == FieldAddress || f == FieldOptOut }

// guessFields guesses all columns that nobody mapped. Where several mean the same, the
// one that says it best stays: consent to WhatsApp before other consent, the country
// of the phone before that of an address.
func guessFields(from source, t table, req *Request) []Field {
	fields := make([]Field, len(t.names))
	best := map[Field]int{}
	for i, name := range t.names {
		if _, said := req.Mapping[name]; said {
			continue
		}
		fields[i] = guessField(from, t, i)
		f := fields[i]
		if f != FieldRegion && f != FieldConsent && f != FieldConsentAt {
			continue
		}
		at, there := best[f]
		switch {
		case !there:
			best[f] = i
		case saysBetter(f, name, t.names[at]):
			fields[at], best[f] = FieldIgnore, i
		default:
			fields[i] = FieldIgnore
		}
	}
	splitName(fields, t, req)
	return fields
}

// saysBetter compares the headers of two columns of one field.
func saysBetter(f Field, name, than string) bool {
	if f == FieldRegion {
		return ofPhone.MatchString(name) && !ofPhone.MatchString(than)
	}
	return whatsAppWord.MatchString(words(name)) && !whatsAppWord.MatchString(words(than))
}

var ofPhone = regexp.MustCompile(`(?i)phone|dial|calling|prefix|vorwahl|\bisd|mobile|indicatif`)

// splitName decides what a column called Name holds where another one holds part of
// the name: Vorname beside Name, Nombre beside Apellidos.
func splitName(fields []Field, t table, req *Request) {
	at := func(f Field) int {
		for name, said := range req.Mapping {
			if said == f {
				return slices.Index(t.names, name)
			}
		}
		return slices.Index(fields, f)
	}
	name, first, last := slices.Index(fields, FieldName), at(FieldFirstName), at(FieldLastName)
	if name < 0 || first >= 0 && last >= 0 {
		return
	}
	part := first
	whole, rest := FieldLastName, last
	if part < 0 {
		part, whole = rest, FieldFirstName
	}
	if part < 0 {
		return
	}
	rows, contained := 0, 0
	for _, row := range t.rows {
		if name >= len(row) || part >= len(row) {
			continue
		}
		a, b := contact.CleanText(text(row[name])), contact.CleanText(text(row[part]))
		if a == "" || b == "" {
			continue
		}
		rows++
		if strings.Contains(strings.ToLower(a), strings.ToLower(b)) {
			contained++
		}
	}
	if rows > 0 && contained*2 < rows {
		fields[name] = whole
	}
}

// withoutChannel is a header without WhatsApp in it: whatsappoptindate is an optindate.
func withoutChannel(folded string) string {
	return strings.TrimPrefix(strings.TrimPrefix(strings.ReplaceAll(folded, "whatsapp", ""), "wa"), "is")
}

func guessField(from source, t table, i int) Field {
	folded := foldHeader(t.names[i])
	if f, known := from.fields[folded]; known {
		return f
	}
	f := guess[folded]
	if f == FieldIgnore && whatsAppWord.MatchString(words(t.names[i])) {
		f = guess[withoutChannel(folded)]
	}
	if (f == FieldIgnore || onlyByContent[folded] && !holdsConsent(t.column(i))) && tellsWhoLeft.MatchString(words(t.names[i])) &&
		slices.ContainsFunc(t.column(i), leaves) {
		return FieldOptOut
	}
	if folded == stateHeader && slices.ContainsFunc(t.names, func(name string) bool {
		other := foldHeader(name)
		return other != stateHeader && guess[other] == FieldRegion
	}) {
		return FieldIgnore
	}
	if onlyByContent[folded] && !holdsConsent(t.column(i)) {
		return FieldIgnore
	}
	return f
}

// holdsConsent tells whether a column's words are those of consent, all of them.
func holdsConsent(values []string) bool {
	about := false
	for _, v := range values {
		if _, known := consentWord(v); !known {
			return false
		}
		if _, isBool := booleans[strings.ToLower(v)]; isBool {
			return false
		}
		about = about || consentsWord.MatchString(v)
	}
	return about
}

// consentsWord are the words of consent that no order's status is called.
var consentsWord = regexp.MustCompile(`(?i)subscri|opt|consent|block|black|granted|revoked|withdrawn|agreed`)

// phoneColumns finds the columns that hold phone numbers: those whose header says so
// and whose content does not deny it, else those that the content shows.
func phoneColumns(t table, req *Request) (found []int) {
	regions, from := regionColumn(t, req), recognize(t.names)
	best, most := -1, 0
	var vague []int
	for i, name := range t.names {
		if _, said := req.Mapping[name]; said {
			continue
		}
		full, valid, shaped := 0, 0, 0
		for _, row := range t.rows {
			if i >= len(row) {
				continue
			}
			s := contact.CleanText(numbersOf(row[i]))
			if s == "" {
				continue
			}
			full++
			if strings.IndexFunc(s, unicode.IsDigit) < 0 { // no number: reading one costs more than all else here
				continue
			}
			region, named := strings.ToUpper(req.DefaultRegion), false
			if regions >= 0 && regions < len(row) {
				if r := countryOf(text(row[regions])); r != "" {
					region, named = r, true
				}
			}
			if _, date := namedDate(plainDate(s)); date || isDate(s) || isNoDate(s) { // 2024-01-01 is 20240101 somewhere
				continue
			}
			reading := req.Numbers
			if from.international && !named && reading == contact.ReadingOpen {
				reading = contact.ReadingInternational
			}
			_, err := contact.ReadAddress(s, region, reading)
			undecided := err != nil && contact.Undecided(err.Error())
			if err == nil || undecided && guess[foldHeader(name)] == FieldAddress {
				valid++
			}
			if err == nil || undecided || contact.LooksLikeNumber(s) {
				shaped++
			}
		}
		switch folded := foldHeader(name); {
		case mentionsPhone(name) && (full == 0 || shaped*10 >= full):
			found = append(found, i)
		case guess[folded] == FieldAddress && valid*2 > full && full > 0:
			vague = append(vague, i)
		}
		if valid*2 > full && valid > most && !notPhoneWord.MatchString(words(name)) {
			best, most = i, valid
		}
	}
	holds := func(i int) bool { return len(t.column(i)) > 0 }
	switch {
	case slices.ContainsFunc(found, holds):
		return found
	case len(vague) > 0:
		return vague
	case best >= 0:
		return []int{best}
	}
	return nil
}

func regionColumn(t table, req *Request) int {
	for name, f := range req.Mapping {
		if f == FieldRegion {
			return slices.Index(t.names, name)
		}
	}
	return slices.Index(guessFields(recognize(t.names), t, req), FieldRegion)
}

// phoneColumn is a column of phone numbers in a row.
type phoneColumn struct {
	index         int
	label         int // the column that says what kind of number it is; -1: none
	mobile        bool
	whatsApp      bool
	international bool // digits without + begin with the country code
	unlessNamed   bool // the same, but for rows that name a country
}

// prepare works out what is asked of each row again and again.
func (o *Options) prepare() {
	if o.log = findLogColumns(o.Columns); o.Messages {
		return
	}
	o.phones, o.headers = nil, make([]string, len(o.Columns))
	labels := map[string]int{}
	international := sourceNamed(o.Source).international
	for i, c := range o.Columns {
		o.headers[i] = foldHeader(c.Name)
		if m := labelOf.FindStringSubmatch(c.Name); m != nil {
			labels[foldHeader(m[1])] = i
		}
	}
	for i, c := range o.Columns {
		if c.Field != FieldAddress {
			continue
		}
		w := words(c.Name)
		p := phoneColumn{
			index: i, label: -1, mobile: mobileWord.MatchString(w), whatsApp: whatsAppWord.MatchString(w),
			international: internationalWord.MatchString(w), unlessNamed: international,
		}
		stem := c.Name
		if m := valueOf.FindStringSubmatch(c.Name); m != nil {
			stem = m[1]
		}
		if at, ok := labels[foldHeader(stem)]; ok && at != i {
			p.label = at
		}
		o.phones = append(o.phones, p)
	}
}

// look tells the operator what the sample shows, and refuses a file in which no number
// can be read: then a column is misread.
func (o *Options) look(t table, req *Request) error {
	good, open := 0, 0
	var first string
	var example record
	for i, values := range t.rows {
		_, reject := check(record{row: int64(i + 1), values: values}, *o)
		switch {
		case reject == nil || reject.Field != "address": // its number can be read
			good++
		case first == "":
			first = reject.Reason
		}
		if reject != nil && contact.Undecided(reject.Reason) {
			if open++; open == 1 {
				example = record{row: reject.Row, values: values}
			}
		}
	}
	if open > 0 {
		o.NumbersOpen = true
		value, readings := o.bothNumbers(example)
		text := say.New("%d of the first %d rows have a number that can be meant with or without a country code. "+
			"Say how numbers without + are written in this file.", open, len(t.rows))
		if open == 1 {
			text = say.New("One of the first %d rows has a number that can be meant with or without a country code. "+
				"Say how numbers without + are written in this file.", len(t.rows))
		}
		o.ask(Question{
			About: TopicNumbers, Example: value, Readings: readings,
			Text: text.String(),
		})
	}
	for i, c := range o.Columns {
		if c.Field == FieldConsent && !o.consentNamed(c) && !o.ConsentForAll && !o.IgnoreConsents {
			o.ConsentOpen = true
			o.ask(Question{
				About: TopicConsent, Column: c.Name,
				Text: say.New("The column “%s” does not say that these people agreed to WhatsApp messages. "+
					"Their consent is recorded only if you say what they agreed to; opt-outs are kept in any case.", c.Name).String(),
			})
		}
		if c.Field == FieldConsentAt || c.Type == typeDate {
			o.askDates(i, t.column(i))
		}
	}
	if len(t.rows) > 0 && good == 0 && len(req.Mapping) == 0 && open == 0 {
		return apperr.Invalid("file", "the first %d rows have no number that can be read: %s. The columns are %s; say in the mapping which one "+
			"holds the phone numbers", len(t.rows), first, strings.Join(t.names, ", "))
	}
	return nil
}

// askDates asks whether the day or the month comes first in a column, unless its dates
// or the operator tell.
func (o *Options) askDates(column int, dates []string) {
	c := o.Columns[column]
	if order, all := orderOf(dates); !all || order != DateOrderOpen || c.DateOrder != DateOrderOpen {
		return
	}
	o.DatesOpen = true
	value, readings := bothDates(dates)
	o.ask(Question{
		About: TopicDates, Column: c.Name, Example: value, Readings: readings,
		Text: say.New("The dates of the column “%s” can be read with the day or the month first. Say which.", c.Name).String(),
	})
}

func (o *Options) ask(q Question) {
	o.Questions = append(o.Questions, q)
	o.warn(q.Text)
}

// bothNumbers are the number of a row as it stands there, and what it is nationally
// and internationally.
func (o *Options) bothNumbers(rec record) (value string, readings []string) {
	for _, reading := range []contact.Reading{contact.ReadingNational, contact.ReadingInternational} {
		said := *o
		said.Numbers = reading
		number := "" // no country, no national number
		if r, _ := check(rec, said); r != nil {
			number = r.address.Spaced()
		}
		readings = append(readings, number)
	}
	if _, reject := check(rec, *o); reject != nil {
		value = reject.Value
	}
	return value, readings
}

// bothDates are the first date that differs by the order, and what it is with the
// day and with the month first, as ISO dates.
func bothDates(values []string) (value string, readings []string) {
	for _, v := range values {
		dayFirst, err1 := parseDate(v, DateOrderDMY)
		monthFirst, err2 := parseDate(v, DateOrderMDY)
		if err1 == nil && err2 == nil && !dayFirst.Equal(monthFirst) {
			return v, []string{dayFirst.Format(time.DateOnly), monthFirst.Format(time.DateOnly)}
		}
	}
	return "", nil
}

func (o *Options) warn(text string) { o.Warnings = append(o.Warnings, text) }

// plainConsent are headers that speak of consent and of no other channel; those of
// newsletters' and shops' exports, such as subscribed, are no consent to WhatsApp.
var plainConsent = map[string]bool{
	"optin": true, "optedin": true, "consent": true, "consentstatus": true, "consentstate": true, "einwilligung": true,
}

// consentNamed holds for a column that is consent to messages like ours: by its name,
// or because the operator gave the text that people agreed to.
func (o *Options) consentNamed(c Column) bool {
	return o.ConsentText != "" || whatsAppWord.MatchString(words(c.Name)) || plainConsent[foldHeader(c.Name)] ||
		strings.HasPrefix(foldHeader(c.Name), "waoptin")
}

// rejectColumns stand in the files of rejected rows, and say nothing of people.
var rejectColumns = map[string]bool{rejectLine: true, rejectError: true}

const (
	rejectLine  = "import line"
	rejectError = "import error"
)

const (
	shownSamples = 3
	longSample   = 60
)

// samplesOf gives the first different values of a column, for people.
func samplesOf(t table, column int) (found []string) {
	for _, s := range t.column(column) {
		if len(found) == shownSamples {
			break
		}
		if s = clip(s, longSample); !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	return found
}

func checkField(f Field) error {
	if _, ok := guesses[f]; ok || f == FieldIgnore {
		return nil
	}
	if key, ok := strings.CutPrefix(string(f), "attributes."); ok {
		return contact.CheckAttributeKey(key)
	}
	return apperr.Invalid("mapping", "%q is not a field: address, bsuid, name, first_name, last_name, region, locale, time_zone, consent, "+
		"consent_at, opt_out, topics or attributes.<key>", f)
}

// Types of attributes.
const (
	typeText    = "text"
	typeNumber  = "number"
	typeBoolean = "boolean"
	typeDate    = "date"
)

var plainQuantity = regexp.MustCompile(`^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$`)

// typeOf looks at a column's sample: numbers, booleans and dates are kept as such
// only if every value reads so, so that a postcode 01067 stays a text.
func typeOf(t table, column int) (string, DateOrder) {
	quantity, boolean, word, any := true, true, false, false
	var texts []string
	for _, values := range t.rows {
		if column >= len(values) {
			continue
		}
		s, ok := values[column].(string)
		if s = strings.TrimSpace(s); !ok || s == "" {
			continue
		}
		any = true
		texts = append(texts, s)
		quantity = quantity && plainQuantity.MatchString(s)
		_, isBool := booleans[strings.ToLower(s)]
		boolean = boolean && isBool
		word = word || (isBool && s != "0" && s != "1")
	}
	order, dates := orderOf(texts)
	switch {
	case any && boolean && word:
		return typeBoolean, DateOrderOpen
	case any && quantity:
		return typeNumber, DateOrderOpen
	case any && dates:
		return typeDate, order
	}
	return typeText, DateOrderOpen
}

var booleans = map[string]bool{
	"true": true, "false": false, "yes": true, "no": false, "y": true, "n": false,
	"1": true, "0": false,
}

// typed reads a text as its column's type; what does not fit stays a text.
func typed(s string, c Column) any {
	switch c.Type {
	case typeNumber:
		if plainQuantity.MatchString(s) {
			if f, err := strconv.ParseFloat(s, 64); err == nil {
				return f
			}
		}
	case typeBoolean:
		if b, ok := booleans[strings.ToLower(s)]; ok {
			return b
		}
	case typeDate:
		if at, err := parseDate(s, c.DateOrder); err == nil {
			return isoDate(at)
		}
	}
	return s
}
