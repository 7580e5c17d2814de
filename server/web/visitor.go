package web

import (
	"net/http"
	"strings"
)

// fetchers are the programs that open links for other reasons than that somebody tapped them, by what they call themselves
// (User-Agent, in lower case): docs/links.md names the source of each.
var fetchers = []string{
	"facebookexternalhit", "facebookcatalog", "facebot", "meta-externalagent", "meta-externalfetcher", "meta-webindexer",
	"twitterbot", "slackbot", "slack-imgproxy", "telegrambot", "linkedinbot", "discordbot", "skypeuripreview", "pinterestbot",
	"googlebot", "google-inspectiontool", "googleother", "google-safety", "google-read-aloud", "bingbot", "bingpreview", "msnbot",
	"applebot", "yandexbot", "duckduckbot", "baiduspider", "petalbot", "amazonbot", "bytespider", "gptbot", "claudebot",
	"barracuda", "proofpoint", "mimecast", "safelinks", "urldefense", "virustotal", "urlscan", "symantec", "forcepoint", "zscaler",
	"bot/", "bot;", "crawler", "spider", "preview", "headlesschrome", "phantomjs", "curl/", "wget/", "python-", "go-http-client",
	"okhttp", "java/", "libwww", "axios/", "node-fetch", "postman", "apache-httpclient", "dart/", "ruby", "php/",
}

// person reports whether a request looks like somebody who tapped a link, as opposed to a program that looks what is behind
// it: WhatsApp and Meta making a preview, a scanner of links, a browser that loads ahead.
func person(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	agent := strings.ToLower(r.UserAgent())
	// WhatsApp's own fetcher begins with its name; a browser inside an app has it at its end.
	if agent == "" || strings.HasPrefix(agent, "whatsapp/") {
		return false
	}
	for _, f := range fetchers {
		if strings.Contains(agent, f) {
			return false
		}
	}
	for _, name := range []string{"Purpose", "Sec-Purpose", "X-Purpose", "X-Moz"} {
		v := strings.ToLower(r.Header.Get(name))
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return false
		}
	}
	// A browser that opens a page says so; one that says something else shows a picture, or asks by script.
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
}
