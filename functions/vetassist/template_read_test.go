package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// How the tests of template.yaml read it.

// node is a value of a template; a tag such as !Ref is the key of its value.
type node = map[string]any

type resource struct {
	Type           string `yaml:"Type"`
	Condition      string `yaml:"Condition"`
	DeletionPolicy string `yaml:"DeletionPolicy"`
	Properties     node   `yaml:"Properties"`
}

type template struct {
	Parameters map[string]node     `yaml:"Parameters"`
	Conditions node                `yaml:"Conditions"`
	Globals    map[string]node     `yaml:"Globals"`
	Resources  map[string]resource `yaml:"Resources"`
}

func readTemplate(t *testing.T, file string) template {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var root yaml.Node
	var out template
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	untag(&root)
	if err := root.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// untag turns !Ref X into {Ref: X}, and so with all of CloudFormation's tags.
func untag(n *yaml.Node) {
	for _, c := range n.Content {
		untag(c)
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		inner := *n
		inner.Tag = ""
		if n.Kind == yaml.ScalarNode {
			inner.Tag = "!!str"
		}
		*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.Tag[1:]}, &inner}}
	}
}

// at follows keys down from a value.
func at(v any, keys ...string) any {
	for _, k := range keys {
		m, _ := v.(node)
		v = m[k]
	}
	return v
}

func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, s := range v {
			out = append(out, s.(string))
		}
	}
	return out
}

func sorted(s []string) []string { return slices.Sorted(maps.Keys(setOf(s))) }

func setOf(s []string) map[string]bool {
	m := map[string]bool{}
	for _, x := range s {
		m[x] = true
	}
	return m
}

func (tp template) ofType(kind string) map[string]resource {
	m := map[string]resource{}
	for name, r := range tp.Resources {
		if r.Type == kind {
			m[name] = r
		}
	}
	return m
}
