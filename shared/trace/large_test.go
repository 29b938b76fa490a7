package trace

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The longest request that a stranger can send is no reason to lose anybody's record, its own included: JSON takes six bytes for some
// characters.
func TestLargestRecord(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("<", 1000)
	req := httptest.NewRequest("POST", base+"/mcp?"+strings.Repeat("message="+long+"&", 8), strings.NewReader(`["`+strings.Repeat("<", maxBody)+`"]`))
	req.Header = http.Header{"Content-Type": {"application/json"}}
	for i := range 300 {
		req.Header.Add("Accept-Language", fmt.Sprint(i)+long)
	}
	answer := http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		for i := range 40 {
			Decide(req.Context(), Decision{Kind: ClientCheck, Outcome: Refused, Text: long + fmt.Sprint(i), Compared: []Compared{{Got: long, Wanted: long}}})
			rw.Header().Add("Www-Authenticate", long)
		}
		rw.WriteHeader(400)
	})
	w.Handler(MCP, answer).ServeHTTP(httptest.NewRecorder(), req)
	if w.resting() || w.LeftOut() != 0 {
		t.Errorf("the recorder gave up: %s", w.log.String())
	}
	flows, _, err := NewReader(w.store, w.clock.Now).Flows(t.Context(), everything, "", 5)
	if err != nil || len(flows) != 1 || len(w.records(flows[0], everything)) != 1 {
		t.Errorf("it is in %v, %v", flows, err)
	}
}
