package importer

// source is a program whose exports are known by their headers.
type source struct {
	name   string
	needs  []string         // headers that all stand in its files, folded by foldHeader
	fields map[string]Field // what some of its columns mean, where their names alone would mislead
}

// sources are looked through in order: those with more particular headers first. The
// headers are those of the programs' own exports, as of 2026.
var sources = []source{
	{name: "Google Contacts", needs: []string{"phone1value"}, fields: map[string]Field{"organizationname": "attributes.organization"}},
	{name: "Outlook", needs: []string{"mobilephone", "businessphone", "homephone"}, fields: map[string]Field{
		"businesscountryregion": FieldIgnore, "homecountryregion": FieldRegion, "company": "attributes.company",
	}},
	{name: "HubSpot", needs: []string{"recordid", "phonenumber", "mobilephonenumber"}, fields: map[string]Field{
		"countryregion": FieldRegion, "whatsappphonenumber": FieldAddress,
	}},
	{name: "Klaviyo", needs: []string{"klaviyoid"}, fields: map[string]Field{"emailmarketingconsent": "attributes.email_marketing_consent"}},
	{name: "Mailchimp", needs: []string{"emailaddress", "leid", "euid"}, fields: map[string]Field{
		"address": "attributes.address", "optintime": "attributes.email_optin_time", "cc": FieldRegion,
		"region": "attributes.region", // a state: BY is Bavaria
	}},
	{name: "Brevo", needs: []string{"contactid", "email", "sms"}, fields: map[string]Field{"firstname": FieldFirstName, "lastname": FieldLastName}},
	{name: "Shopify", needs: []string{"customerid", "acceptsemailmarketing", "defaultaddressphone"}, fields: map[string]Field{
		"defaultaddresscountrycode": FieldRegion, "acceptssmsmarketing": "attributes.accepts_sms_marketing",
	}},
	{name: "WooCommerce", needs: []string{"billingphone", "billingcountry"}, fields: map[string]Field{
		"billingcountry": FieldRegion, "billingfirstname": FieldFirstName, "billinglastname": FieldLastName,
		"status": "attributes.order_status", "orderstatus": "attributes.order_status",
	}},
	{name: "Chatwoot", needs: []string{"id", "name", "email", "phonenumber", "identifier"}},
	{name: "Wati", needs: []string{"name", "phone", "allowbroadcast"}, fields: map[string]Field{"countrycode": FieldRegion}},
	{name: "listmonk", needs: []string{"uuid", "email", "name", "attributes", "status"}},
}

const sourceVCard = "vCard" // known by its content

// recognize names the program that wrote a file with these columns; its name is ""
// for others.
func recognize(names []string) source {
	there := map[string]bool{}
	for _, n := range names {
		there[foldHeader(n)] = true
	}
next:
	for _, s := range sources {
		for _, n := range s.needs {
			if !there[n] {
				continue next
			}
		}
		return s
	}
	return source{}
}
