package media

import (
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxCache bounds what is kept in memory: WhatsApp fetches a campaign's picture for each message.
const maxCache = 64 << 20 // bytes

type held struct {
	file *File
	data []byte
}

// cache keeps the files that were asked for last.
type cache struct {
	mu    sync.Mutex
	size  int
	files *lru.LRU[string, held]
}

func newCache() *cache {
	c := &cache{}
	c.files, _ = lru.NewLRU(maxFiles, func(_ string, h held) { c.size -= len(h.data) }) // it refuses no positive size
	return c
}

func (c *cache) get(token string) (held, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files.Get(token)
}

func (c *cache) put(token string, h held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files.Contains(token) {
		return
	}
	c.size += len(h.data)
	c.files.Add(token, h)
	for c.size > maxCache && c.files.Len() > 1 {
		c.files.RemoveOldest()
	}
}

func (c *cache) drop(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files.Remove(token)
}
