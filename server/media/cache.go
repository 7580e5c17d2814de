package media

import (
	"strconv"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"
)

// maxCache bounds what is kept in memory: WhatsApp fetches a campaign's picture for each message.
const maxCache = 64 << 20 // bytes

// cache keeps what the files hold that were asked for last, by id. Those who ask for one at the same time read it once.
type cache struct {
	reading singleflight.Group

	mu    sync.Mutex
	size  int
	files *lru.LRU[int64, []byte]
}

func newCache() *cache {
	c := &cache{}
	c.files, _ = lru.NewLRU(maxFiles, func(_ int64, data []byte) { c.size -= len(data) }) // it refuses no positive size
	return c
}

func (c *cache) of(id int64, read func() ([]byte, error)) ([]byte, error) {
	c.mu.Lock()
	data, ok := c.files.Get(id)
	c.mu.Unlock()
	if ok {
		return data, nil
	}
	found, err, _ := c.reading.Do(strconv.FormatInt(id, 10), func() (any, error) { return read() })
	if err != nil {
		return nil, err
	}
	data = found.([]byte) //nolint:forcetypeassert // read gives no other
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.files.Contains(id) {
		c.size += len(data)
		c.files.Add(id, data)
	}
	for c.size > maxCache && c.files.Len() > 1 {
		c.files.RemoveOldest()
	}
	return data, nil
}
