package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// store is the sandbox's own log: one JSON line per thing that happened. A
// line is written before the answer goes out, so that a kill of the process
// loses nothing that was answered.
type store struct {
	mu       sync.Mutex // of the file: a line is written whole
	file     *os.File
	settings string
}

type line struct {
	Message *Message   `json:"m,omitempty"`
	Content *Content   `json:"c,omitempty"`
	Status  *change    `json:"s,omitempty"`
	Redact  *redaction `json:"r,omitempty"`
	Webhook *Webhook   `json:"w,omitempty"`
}

// redaction is a text or a medium that was taken away.
type redaction struct {
	SID   string `json:"sid"`
	Text  bool   `json:"text,omitempty"`
	Media string `json:"media,omitempty"`
}

type change struct {
	SID    string    `json:"sid"`
	Status string    `json:"st"`
	Code   int       `json:"code,omitempty"`
	At     time.Time `json:"at"`
}

func openStore(dir string, s *Sandbox) (*store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	st := &store{settings: filepath.Join(dir, "sandbox.settings.json")}
	if raw, err := os.ReadFile(st.settings); err == nil {
		settings := DefaultSettings()
		if err := json.Unmarshal(raw, &settings); err != nil {
			return nil, fmt.Errorf("%s: %w", st.settings, err)
		}
		s.settings.Store(&settings)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	path := filepath.Join(dir, "sandbox.log")
	if err := replay(path, s); err != nil {
		return nil, err
	}
	if err := st.compact(path, s); err != nil {
		return nil, err
	}
	for _, m := range s.order {
		s.plan(m)
	}
	return st, nil
}

func replay(path string, s *Sandbox) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var l line
		if json.Unmarshal(scanner.Bytes(), &l) != nil {
			continue // the last line of a killed process may be half written
		}
		switch {
		case l.Message != nil:
			if m := l.Message; m.Direction == "inbound" && m.Sent == nil {
				m.Sent = &m.Created
			}
			s.add(l.Message)
		case l.Content != nil:
			if l.Content.read() == nil {
				s.contents[l.Content.SID] = l.Content
			}
		case l.Webhook != nil:
			s.webhook = l.Webhook
		case l.Redact != nil:
			s.forget(*l.Redact)
		case l.Status != nil:
			if m := s.messages[l.Status.SID]; m != nil {
				m.reach(l.Status.Status, l.Status.Code, l.Status.At)
			}
		}
	}
	return scanner.Err()
}

// ReadLog reads the outbound messages out of a sandbox's own file, with the
// status that each reached.
func ReadLog(dir string) ([]Message, error) {
	s := empty()
	if err := replay(filepath.Join(dir, "sandbox.log"), s); err != nil {
		return nil, err
	}
	var out []Message
	for _, m := range s.order {
		if m.Direction == "outbound-api" {
			out = append(out, *m)
		}
	}
	return out, nil
}

// compact writes the log anew without what is old, and leaves it open.
func (st *store) compact(path string, s *Sandbox) error {
	next, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	st.file = next
	w := bufio.NewWriterSize(next, 1<<20)
	enc := json.NewEncoder(w)
	for _, c := range s.contents {
		if err := enc.Encode(line{Content: c}); err != nil {
			return err
		}
	}
	if s.webhook != nil {
		if err := enc.Encode(line{Webhook: s.webhook}); err != nil {
			return err
		}
	}
	all := s.order
	s.order, s.messages, s.to, s.from = nil, map[string]*Message{}, map[string][]*Message{}, map[string][]*Message{}
	for _, m := range all {
		if time.Since(m.Created) > keepLogs {
			continue
		}
		s.add(m)
		if err := enc.Encode(line{Message: m}); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (st *store) write(l line) {
	raw, err := json.Marshal(l)
	if err != nil {
		panic(fmt.Sprintf("sandbox log: %v", err)) // our own types always marshal
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, err := st.file.Write(append(raw, '\n')); err != nil && !errors.Is(err, os.ErrClosed) {
		panic(fmt.Sprintf("sandbox log: %v", err)) // without its log it is no peer
	}
}

func (st *store) message(m *Message) { st.write(line{Message: m}) }
func (st *store) content(c *Content) { st.write(line{Content: c}) }

func (st *store) status(c change) { st.write(line{Status: &c}) }

func (st *store) saveSettings(s Settings) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(st.settings+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(st.settings+".new", st.settings)
}

func (st *store) close() { _ = st.file.Close() }
