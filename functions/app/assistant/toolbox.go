package assistant

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
)

// toolbox is a list of tools, understood. It does not change once it is made.
type toolbox struct {
	tools      []*tool
	zone       *time.Location     // of the schemas' dates; nil where they name none
	df         map[string]int     // in how many tools a concept is clear
	verbs      map[string][]sense // verbs that only tools' names know: "groom"
	vocabulary map[string]bool    // words of names, properties and values, towards which spelling is mended
}

// maxTools bounds the tools that are read of a list.
const maxTools = 200

// newToolbox understands the tools. One with a schema that cannot be read is left out.
func newToolbox(list []Tool) *toolbox {
	b := &toolbox{df: map[string]int{}, verbs: map[string][]sense{}, vocabulary: map[string]bool{}}
	for _, raw := range list {
		t, ok := understand(raw)
		if !ok || b.named(t.Name) != nil || len(b.tools) == maxTools {
			continue
		}
		b.tools = append(b.tools, t)
		name := splitName(t.Name)
		for _, w := range name {
			b.vocabulary[w.low] = true
		}
		if o := lex().objects[name[0].low]; len(lex().senses(name[0])) == 0 && (o == nil || o[0] == "health") {
			b.verbs[name[0].low] = []sense{{name[0].stem, t.class}}
		}
		for _, p := range t.order {
			if loc, err := time.LoadLocation(p.zone); p.zone != "" && err == nil && b.zone == nil {
				b.zone = loc
			}
			for _, w := range append(splitName(p.name), tokenize(strings.ToLower(strings.Join(p.enum, " ")))...) {
				b.vocabulary[w.low] = true
			}
		}
		for c, w := range t.words {
			if w >= 0.5 {
				b.df[c]++
			}
		}
	}
	return b
}

func (b *toolbox) named(name string) *tool {
	for _, t := range b.tools {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// toolCache keeps the last few lists that were understood: reading 15 schemas costs more than the rest of a turn.
type toolCache struct {
	mu    sync.Mutex
	boxes map[[32]byte]*toolbox
}

const maxBoxes = 16

// open returns the toolbox of a list; here is the zone where its schemas name none.
func (c *toolCache) open(list []Tool, here *time.Location) *toolbox {
	h := sha256.New()
	for _, t := range list {
		mode := fmt.Sprint(t.ReadOnly, t.Destructive, t.OpenWorld)
		for _, s := range []string{t.Name, t.Title, t.Description, string(t.InputSchema), string(t.OutputSchema), t.Scope, mode} {
			var n [8]byte
			binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
			h.Write(n[:])
			h.Write([]byte(s))
		}
	}
	key := [32]byte(h.Sum(nil))
	c.mu.Lock()
	b := c.boxes[key]
	c.mu.Unlock()
	if b == nil {
		b = newToolbox(list)
		c.mu.Lock()
		if len(c.boxes) >= maxBoxes || c.boxes == nil {
			c.boxes = map[[32]byte]*toolbox{}
		}
		c.boxes[key] = b
		c.mu.Unlock()
	}
	if b.zone == nil {
		local := *b
		local.zone = here
		return &local
	}
	return b
}
