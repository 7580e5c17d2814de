package importer

// source is a program whose exports are known by their headers.
type source struct {
	name          string
	needs         []string         // headers that all stand in its files, folded by foldHeader
	fields        map[string]Field // what some of its columns mean, where their names alone would mislead
	international bool             // it writes numbers with the country code and without +
}

// sources are looked through in order: those with more particular headers first. The
// headers are those of the programs' own exports, as of 2026. What their columns of
// consent say of who left is read by its words, whatever the channel: see tellsWhoLeft.
var sources = []source{
	{name: sourceTwilio, needs: []string{"from", "to", "status", "sid", "direction"}},
	{name: "Google Contacts", needs: []string{"phone1value"}, fields: map[string]Field{"organizationname": "attributes.organization"}},
	{name: "Google Contacts", needs: []string{"telefon1wert"}},
	{name: "Google Contacts", needs: []string{"téléphone1valeur"}},
	{name: "Google Contacts", needs: []string{"teléfono1valor"}},
	{name: "Outlook", needs: []string{"mobilephone", "businessphone", "homephone"}, fields: map[string]Field{
		"businesscountryregion": FieldIgnore, "homecountryregion": FieldRegion, "company": "attributes.company",
	}},
	{name: "Outlook", needs: []string{"mobiltelefon", "telefongeschäftlich", "telefonprivat"}, fields: map[string]Field{
		"landregiongeschäftlich": FieldIgnore, "landregionprivat": FieldRegion,
	}},
	{name: "HubSpot", needs: []string{"recordid", "phonenumber", "mobilephonenumber"}, fields: hubSpot},
	{name: "HubSpot", needs: []string{"contactid", "phonenumber", "mobilephonenumber"}, fields: hubSpot},
	{name: "HubSpot", needs: []string{"recordid", "phonenumber", "contactowner"}, fields: hubSpot},
	{name: "Klaviyo", needs: []string{"klaviyoid"}, fields: map[string]Field{"consent": "attributes.consent"}},
	{name: "Mailchimp", needs: []string{"emailaddress", "leid", "euid"}, fields: map[string]Field{
		"address": "attributes.address", "optintime": "attributes.email_optin_time", "cc": FieldRegion,
		"region": "attributes.region", // a state: BY is Bavaria
	}},
	{name: "Brevo", needs: []string{"contactid", "email", "sms"}, international: true, fields: map[string]Field{
		"firstname": FieldFirstName, "lastname": FieldLastName, "optin": "attributes.email_opt_in",
	}},
	{name: "Shopify", needs: []string{"customerid", "acceptsemailmarketing", "defaultaddressphone"}, fields: map[string]Field{
		"defaultaddresscountrycode": FieldRegion, "acceptssmsmarketing": "attributes.accepts_sms_marketing",
	}},
	{name: "Shopify", needs: []string{"financialstatus", "billingphone", "shippingphone"}, fields: map[string]Field{
		"name": "attributes.order", "billingname": FieldName, "billingcountry": FieldRegion, "status": "attributes.order_status",
	}},
	{name: "WooCommerce", needs: []string{"billingphone", "billingcountry"}, fields: map[string]Field{
		"billingcountry": FieldRegion, "billingfirstname": FieldFirstName, "billinglastname": FieldLastName,
		"status": "attributes.order_status", "orderstatus": "attributes.order_status", "shippingcountry": "attributes.shipping_country",
	}},
	{name: "Chatwoot", needs: []string{"id", "name", "email", "phonenumber", "identifier"}},
	{name: "Wati", needs: []string{"name", "phone", "allowbroadcast"}, international: true, fields: wati},
	{name: "Wati", needs: []string{"name", "whatsappnumber", "allowbroadcast"}, international: true, fields: wati},
	{name: "listmonk", needs: []string{"uuid", "email", "name", "attributes", "status"}, fields: map[string]Field{"status": FieldOptOut}},
}

var (
	hubSpot = map[string]Field{"countryregion": FieldRegion, "whatsappphonenumber": FieldAddress}
	wati    = map[string]Field{"countrycode": FieldRegion, "contactstatus": "attributes.contact_status"}
)

func sourceNamed(name string) source {
	for _, s := range sources {
		if s.name == name {
			return s
		}
	}
	return source{}
}

const (
	sourceVCard  = "vCard"              // known by its content
	sourceTwilio = "Twilio message log" // of its console, its bulk export, or its API
)

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
