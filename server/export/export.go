// Package export writes files: contacts, and what became of a campaign's
// messages. Both are streamed slice by slice in the order of a key, because a
// file of ten million rows must cost neither memory nor a snapshot that stays
// open, and both guard their cells against being read as formulas.
package export

import (
	"eventstream/server/db"
	"eventstream/server/message"
	"eventstream/server/topic"
)

// Service writes them.
type Service struct {
	db     *db.DB
	topics *topic.Service
	code   func(int) message.CodeInfo
}

// NewService makes the service; code explains error codes.
func NewService(d *db.DB, topics *topic.Service, code func(int) message.CodeInfo) *Service {
	return &Service{db: d, topics: topics, code: code}
}
