package campaign

import (
	"cmp"
	"slices"

	"eventstream/server/contact"
)

// maxZones is how many zones a pre-flight names; all others are told together.
const maxZones = 12

// InZone tells how many of an audience live by the clock of a zone.
type InZone struct {
	Zone     string // of the IANA database; "": all others, and those whose number may be in several zones or in none that is known
	Contacts int64
}

// zoneOf is the zone by whose clock somebody lives; "" where their number leaves several, or none.
func zoneOf(c *contact.Contact) string {
	if zones := c.CandidateZones(); len(zones) == 1 {
		return zones[0]
	}
	return ""
}

// byZone lists zones by how many contacts they have, the one without a name last.
func byZone(counted map[string]int64, all func(int64) int64) (list []InZone) {
	for zone, n := range counted {
		list = append(list, InZone{zone, n})
	}
	slices.SortFunc(list, func(a, b InZone) int {
		switch "" {
		case a.Zone:
			return 1
		case b.Zone:
			return -1
		}
		return cmp.Or(cmp.Compare(b.Contacts, a.Contacts), cmp.Compare(a.Zone, b.Zone))
	})
	var others int64
	for len(list) > 0 && (len(list) > maxZones || list[len(list)-1].Zone == "") {
		others += list[len(list)-1].Contacts
		list = list[:len(list)-1]
	}
	if others > 0 {
		list = append(list, InZone{Contacts: others})
	}
	for i := range list {
		list[i].Contacts = all(list[i].Contacts)
	}
	return list
}
