package consent

// Changes are what a workspace changed of the built-in words.
type Changes struct {
	Version int64              `json:"-"`
	Added   []Phrase           `json:"added,omitempty"`
	Off     []Phrase           `json:"off,omitempty"`
	Answers map[string]Answers `json:"answers,omitempty"`
}

// Answers are the texts that follow a keyword in one language; "": as built in.
type Answers struct {
	Stop  string `json:"stop,omitempty"`
	Start string `json:"start,omitempty"`
	Help  string `json:"help,omitempty"`
}
