package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"eventstream/server/contact"
)

// country is where demo people live: the beginnings of its mobile numbers, how
// many digits follow, and what people and cities are called there.
type country struct {
	weight   int
	locale   string
	prefixes []string
	digits   int
	cities   []string
	first    []string
	last     []string
}

var countries = []country{
	{
		24, "de",
		[]string{"+49151", "+49160", "+49170", "+49176"},
		7,
		[]string{"Berlin", "Hamburg", "München", "Köln", "Leipzig", "Stuttgart"},
		[]string{"Anna", "Lena", "Marie", "Sophie", "Jürgen", "Paul", "Jonas", "Felix", "Emil", "Greta", "Ida", "Karl"},
		[]string{
			"Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Wagner", "Becker", "Hoffmann", "Schäfer", "Koch",
			"Bauer", "Krüger",
		},
	},
	{
		16, "en-GB",
		[]string{"+447400", "+447511", "+447700", "+447911"},
		6,
		[]string{"London", "Manchester", "Leeds", "Bristol", "Glasgow"},
		[]string{"Oliver", "Amelia", "George", "Isla", "Harry", "Ava", "Jack", "Mia", "Noah", "Grace", "Arthur", "Freya"},
		[]string{
			"Smith", "Jones", "Taylor", "Brown", "Williams", "Wilson", "Evans", "Walker", "Wright", "Hughes", "Green",
			"Clarke",
		},
	},
	{
		12, "en-US",
		[]string{"+1212", "+1312", "+1415", "+1305", "+1512"},
		7,
		[]string{"New York", "Chicago", "San Francisco", "Miami", "Austin"},
		[]string{"Emma", "Liam", "Olivia", "James", "Ethan", "Sofia", "Logan", "Harper", "Mason", "Ella", "Lucas", "Zoe"},
		[]string{
			"Johnson", "Davis", "Miller", "Moore", "Anderson", "Thomas", "Jackson", "White", "Harris", "Martin", "Lee",
			"Clark",
		},
	},
	{
		14, "pt-BR",
		[]string{"+55119", "+55219", "+55319"},
		8,
		[]string{"São Paulo", "Rio de Janeiro", "Belo Horizonte", "Recife"},
		[]string{
			"João", "Maria", "Pedro", "Ana", "Lucas", "Beatriz", "Rafael", "Larissa", "Thiago", "Camila", "Bruno",
			"Luísa",
		},
		[]string{
			"Silva", "Santos", "Oliveira", "Souza", "Pereira", "Costa", "Rodrigues", "Almeida", "Nascimento", "Araújo",
			"Gonçalves", "Lima",
		},
	},
	{
		14, "en-IN",
		[]string{"+9198", "+9199", "+9170", "+9181"},
		8,
		[]string{"Mumbai", "Bengaluru", "Delhi", "Chennai", "Pune"},
		[]string{"Aarav", "Diya", "Vivaan", "Ananya", "Arjun", "Isha", "Rohan", "Priya", "Kabir", "Meera", "Sanjay", "Neha"},
		[]string{"Sharma", "Patel", "Singh", "Gupta", "Reddy", "Iyer", "Khan", "Das", "Mehta", "Nair", "Joshi", "Rao"},
	},
	{
		10, "es",
		[]string{"+346"},
		8,
		[]string{"Madrid", "Barcelona", "Valencia", "Sevilla"},
		[]string{
			"Lucía", "Hugo", "Martina", "Mateo", "Paula", "Álvaro", "Carmen", "Diego", "Elena", "Javier", "Sara",
			"Pablo",
		},
		[]string{
			"García", "Martínez", "López", "Sánchez", "Pérez", "Gómez", "Fernández", "Ruiz", "Díaz", "Moreno", "Muñoz",
			"Romero",
		},
	},
	{
		10, "fr",
		[]string{"+336"},
		8,
		[]string{"Paris", "Lyon", "Marseille", "Lille", "Nantes"},
		[]string{"Camille", "Léa", "Hugo", "Chloé", "Louis", "Jules", "Inès", "Gabriel", "Manon", "Nathan", "Zoé", "Théo"},
		[]string{
			"Martin", "Bernard", "Dubois", "Thomas", "Robert", "Petit", "Durand", "Leroy", "Moreau", "Lefèvre", "Roux",
			"Fournier",
		},
	},
}

// people draws contacts, each the same for the same seed.
type people struct {
	dice *rand.Rand
	seen map[string]bool
}

func oneOf[T any](d *rand.Rand, of []T) T { return of[d.IntN(len(of))] }

// weighted picks an index with the chance of its weight.
func weighted(d *rand.Rand, weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := d.IntN(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return 0
}

// next draws somebody who became known at that moment.
func (p *people) next(at time.Time) *contact.Contact {
	d := p.dice
	weights := make([]int, len(countries))
	for i, c := range countries {
		weights[i] = c.weight
	}
	home := countries[weighted(d, weights...)]
	c := contact.New(p.number(home))
	first, last := oneOf(d, home.first), oneOf(d, home.last)
	c.Name, c.Locale = first+" "+last, home.locale
	c.CreatedAt, c.UpdatedAt = at, at
	plan := []string{"free", "pro", "enterprise"}[weighted(d, 62, 30, 8)]
	c.Attributes = map[string]any{
		"city": oneOf(d, home.cities), "plan": plan, "points": float64(int(d.ExpFloat64() * 900)),
		"email":     fmt.Sprintf("%s.%s%d@mail.example", ascii(first), ascii(last), d.IntN(90)+10),
		"signed_up": at.AddDate(0, 0, -d.IntN(900)).Format(time.DateOnly),
	}
	if d.Float64() < 0.7 {
		c.Attributes["birthday"] = at.AddDate(-18-d.IntN(55), 0, -d.IntN(365)).Format(time.DateOnly)
	}
	if d.Float64() < 0.55 {
		c.Attributes["last_order"] = at.AddDate(0, 0, -d.IntN(240)).Format(time.DateOnly)
	}
	var tags []any
	for _, t := range []struct {
		name  string
		share float64
	}{{"newsletter", 0.5}, {"vip", 0.06}, {"store", 0.2}} {
		if d.Float64() < t.share {
			tags = append(tags, t.name)
		}
	}
	if tags != nil {
		c.Attributes["tags"] = tags
	}
	return c
}

// number draws a mobile number of the country that nobody has yet.
func (p *people) number(home country) contact.Address {
	for {
		var b strings.Builder
		b.WriteString(oneOf(p.dice, home.prefixes))
		for range home.digits {
			b.WriteByte(byte('0' + p.dice.IntN(10)))
		}
		a, err := contact.ParseAddress(b.String(), "")
		if err == nil && !p.seen[a.MatchKey] {
			p.seen[a.MatchKey] = true
			return a
		}
	}
}

var plain = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "á", "a", "ã", "a", "é", "e", "è", "e", "í", "i",
	"ó", "o", "õ", "o", "ú", "u", "ç", "c", "ñ", "n", "ê", "e")

func ascii(name string) string { return plain.Replace(strings.ToLower(name)) }
