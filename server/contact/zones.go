package contact

import (
	_ "embed"
	"strings"
	"sync"
	"time"
)

//go:embed zones.txt
var zoneData string

// zonesByCountry are the zones of each country, by its ISO 3166-1 code.
var zonesByCountry = sync.OnceValue(func() map[string][]string {
	zones := map[string][]string{}
	for line := range strings.Lines(zoneData) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		for _, z := range words[1:] {
			if _, err := time.LoadLocation(z); err == nil {
				zones[words[0]] = append(zones[words[0]], z)
			}
		}
	}
	return zones
})

// zonesOfCountry are all zones in which somebody may be of whom only the country
// is known, as with an id without a number.
func zonesOfCountry(region string) []string { return zonesByCountry()[region] }
