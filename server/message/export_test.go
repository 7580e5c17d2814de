package message

// WindowsThen is tested by itself: since 2026-10-01 no price depends on it.
var WindowsThen = windowsThen
