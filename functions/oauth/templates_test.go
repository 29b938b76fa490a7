package oauth

import (
	"testing"

	"github.com/vetassist/vetassist/shared/web"
)

// Pages are read when they are first shown, so a template that cannot be read is found here.
func TestTemplatesParse(t *testing.T) {
	pages, err := web.NewPages("/oauth", files)
	if err != nil {
		t.Fatal(err)
	}
	if err := pages.Check(); err != nil {
		t.Error(err)
	}
}
