package auth

// BrowserName is for tests.
var BrowserName = browserName
