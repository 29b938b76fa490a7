package app

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/vetassist/vetassist/functions/app/assistant"
)

const (
	maxToolPages = 10
	maxCacheTime = 5 * time.Minute
)

// toolCache keeps tools/list between messages for as long as the server says (ttlMs). The SDK has such a cache, but for one
// connection, and each of our messages is a connection of its own.
type toolCache struct {
	mu    sync.Mutex
	tools []assistant.Tool
	until time.Time
}

func (c *toolCache) get(now time.Time) []assistant.Tool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.until) {
		return c.tools
	}
	return nil
}

func (c *toolCache) put(tools []assistant.Tool, now time.Time, keep time.Duration) {
	if keep <= 0 || len(tools) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tools, c.until = tools, now.Add(min(keep, maxCacheTime))
}

// cacheTime is the shortest time of all pages. A list that may differ from person to person is not kept, nor one whose tools want
// arguments repeated in headers: the SDK does that only for tools that it listed itself.
func cacheTime(page *mcp.ListToolsResult, before time.Duration, first bool) time.Duration {
	body, err := json.Marshal(page.Tools)
	if page.CacheScope != "public" || err != nil || bytes.Contains(body, []byte(`"x-mcp-header"`)) {
		return 0
	}
	ttl := time.Duration(page.TTLMs) * time.Millisecond
	if first {
		return ttl
	}
	return min(ttl, before)
}
