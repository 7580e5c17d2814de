package media

import (
	lists "container/list"
	"sync"
)

// maxCache bounds what is kept in memory: WhatsApp fetches a campaign's picture for each message.
const maxCache = 64 << 20 // bytes

type held struct {
	file *File
	data []byte
}

type entry struct {
	token string
	held
}

// cache keeps the files that were asked for last.
type cache struct {
	mu      sync.Mutex
	size    int
	order   *lists.List // of entry, the newest first
	byToken map[string]*lists.Element
}

func newCache() cache { return cache{order: lists.New(), byToken: map[string]*lists.Element{}} }

func (c *cache) get(token string) (held, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byToken[token]
	if !ok {
		return held{}, false
	}
	c.order.MoveToFront(at)
	return at.Value.(entry).held, true //nolint:forcetypeassert // nothing else is put in
}

func (c *cache) put(token string, h held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byToken[token] != nil {
		return
	}
	c.byToken[token] = c.order.PushFront(entry{token, h})
	c.size += len(h.data)
	for c.size > maxCache && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *cache) drop(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.byToken[token]; at != nil {
		c.remove(at)
	}
}

func (c *cache) remove(at *lists.Element) {
	e := c.order.Remove(at).(entry) //nolint:forcetypeassert // nothing else is put in
	delete(c.byToken, e.token)
	c.size -= len(e.data)
}
