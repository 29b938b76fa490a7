package assistant

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// planner is one for all tests, as the app has one for all people.
var planner = Offline()

// clinicTools are the tools as the MCP server lists them: testdata/tools.json is a copy of a tools/list result.
func clinicTools(t testing.TB) []Tool {
	t.Helper()
	raw, err := os.ReadFile("testdata/tools.json")
	if err != nil {
		t.Fatal(err)
	}
	tools, err := readTools(raw)
	if err != nil {
		t.Fatal(err)
	}
	if len(tools) != 15 {
		t.Fatalf("testdata/tools.json lists %d tools, the server has 15", len(tools))
	}
	return tools
}

func readTools(raw []byte) ([]Tool, error) {
	var list struct {
		Tools []struct {
			Name, Title, Description  string
			InputSchema, OutputSchema json.RawMessage
			Annotations               struct{ ReadOnlyHint, DestructiveHint, OpenWorldHint bool }
			Meta                      map[string]any `json:"_meta"`
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var out []Tool
	for _, x := range list.Tools {
		scope, _ := x.Meta["vetassist/scope"].(string)
		out = append(out, Tool{x.Name, x.Title, x.Description, x.InputSchema, x.OutputSchema, scope, x.Annotations.ReadOnlyHint, x.Annotations.DestructiveHint, x.Annotations.OpenWorldHint})
	}
	return out, nil
}

// monday is when all tests take place: Monday, 23 November 2026, 09:00 in the clinic.
func monday(t testing.TB) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 11, 23, 9, 0, 0, 0, zone)
}
