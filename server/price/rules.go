package price

import "eventstream/server/say"

// Rules are what prices rest on beside the rates, and where the sources do not agree, for people.
var Rules = []say.Format{
	"The rates are read from public copies of Meta's lists, not from Meta: compare them with your own bill, and set what differs.",
	"Meta charges what is delivered, by category and by the calling code of the recipient's number. It changes prices on the first day of a quarter, " +
		"at midnight of the business account's time zone.",
	"Since 1 October 2026 replies and other texts within the 24-hour window are charged, at the utility rate, after the first 1,000 of each " +
		"sender's number and calendar month. That the first 1,000 are free is told by most sources, and was not found on Meta's page in September 2026.",
	"Since 1 October 2026 utility templates within an open window are charged, too. One source says that they are still free; charged is taken.",
	"Messages within 72 hours after somebody came by a click-to-WhatsApp ad or a Page's button are free. Whether they did is not known here, so that " +
		"they are counted at the list price.",
	"Volume tiers of utility and authentication are shown where they were found, and not worked into prices: Meta counts them over all numbers and " +
		"programs of a business.",
	"The international rate of authentication holds only for businesses that Meta told so; the list price is taken.",
	"Twilio charges 0.005 USD for each message out or in, and 0.001 USD for one that ends as failed. For messages that are sent and never arrive no source " +
		"tells a lower fee; the full one is taken. Taxes and contracts are not known here.",
	"No amount is turned from one currency into another: Meta's lists for currencies do not agree by any rate of exchange. Where the list of your currency " +
		"lacks a rate, the price is unknown until you set it.",
}
