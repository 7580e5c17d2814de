package contact

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
)

//go:embed zones.txt
var zoneData string

var zones sync.Map // name → *time.Location: loading one reads a file

// Zone finds a time zone by its IANA name, such as Europe/Berlin. It is quick.
func Zone(name string) (*time.Location, error) {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is no time zone", name)
	}
	zone, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, zone)
	}
	return zone, err
}

// zonesByCountry are the zones of each country, by its ISO 3166-1 code.
var zonesByCountry = sync.OnceValue(func() map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(zoneData) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		for _, z := range words[1:] {
			if _, err := Zone(z); err == nil {
				all[words[0]] = append(all[words[0]], z)
			}
		}
	}
	return all
})

// zonesOfCountry are all zones in which somebody may be of whom only the country
// is known, as with an id without a number.
func zonesOfCountry(region string) []string { return zonesByCountry()[region] }
