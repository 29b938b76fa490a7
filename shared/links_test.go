package shared_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A Lambda function links only what it uses: what it does not need costs it time at every cold start, and is one more thing to
// trust. Entries end at a path's element.
var unlinked = map[string][]string{
	"": { // none of them
		"modernc.org", module + "shared/store/sqlite", module + "shared/store/storetest", module + "shared/web/lambda/lambdatest",
		"github.com/chromedp", "github.com/rogpeppe/go-internal", "github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/service", "net/http/pprof",
	},
	"jwks": {module + "seed", module + "shared/directory", module + "shared/clinic", "golang.org/x/crypto/argon2",
		"github.com/modelcontextprotocol", "github.com/danielgtaylor/huma", "github.com/go-webauthn", "golang.org/x/oauth2"},
	"mcp": {module + "shared/access", "github.com/danielgtaylor/huma", "github.com/go-webauthn"},
	"app": {module + "seed", module + "shared/directory", module + "shared/clinic", module + "shared/token", module + "shared/access",
		"golang.org/x/crypto/argon2", "github.com/danielgtaylor/huma", "github.com/go-webauthn"},
	"oauth": {module + "shared/clinic", "github.com/modelcontextprotocol", "github.com/danielgtaylor/huma"},
	"admin": {"github.com/modelcontextprotocol"},
	"learn": {module + "seed", module + "shared/clinic", "github.com/modelcontextprotocol", "github.com/danielgtaylor/huma",
		"github.com/go-webauthn", "golang.org/x/oauth2"},
}

func TestLambdaLinks(t *testing.T) {
	mains, err := filepath.Glob("../functions/*/lambda")
	if err != nil || len(mains) != 6 {
		t.Fatalf("%d functions have an entry for Lambda, not 6: %q, %v", len(mains), mains, err)
	}
	for _, dir := range mains {
		function := filepath.Base(filepath.Dir(dir))
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./"+filepath.ToSlash(dir)).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if !slices.Contains(deps, module+"functions/"+function) {
			t.Errorf("%s does not link its function", dir)
		}
		if _, ok := unlinked[function]; !ok {
			t.Errorf("%s is not in the table of what functions do not link", function)
		}
		for _, dep := range deps {
			if other, ok := strings.CutPrefix(dep, module+"functions/"); ok && other != function && !strings.HasPrefix(other, function+"/") {
				t.Errorf("%s links %s", function, dep)
			}
			for _, never := range slices.Concat(unlinked[""], unlinked[function]) {
				if dep == never || strings.HasPrefix(dep, never+"/") {
					t.Errorf("%s links %s", function, dep)
				}
			}
		}
	}
}
