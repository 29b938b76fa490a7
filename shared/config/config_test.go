package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vetassist/vetassist/shared/config"
)

func TestFromEnv(t *testing.T) {
	env := map[string]string{}
	if c := config.FromEnv(func(k string) string { return env[k] }); !reflect.DeepEqual(c, config.Config{Addr: "localhost:8080", DB: "vetassist.db"}) {
		t.Errorf("defaults: %+v", c)
	}
	env = map[string]string{config.EnvAddr: ":9", config.EnvDB: "x.db", config.EnvBaseURL: "https://v.example", config.EnvAllowedOrigins: " https://a.example ,, https://b.example",
		config.EnvSeed: "none", config.EnvAppClientID: "chat"}
	want := config.Config{Addr: ":9", DB: "x.db", BaseURL: "https://v.example", AllowedOrigins: []string{"https://a.example", "https://b.example"},
		Seed: config.SeedNone, AppClientID: "chat"}
	if c := config.FromEnv(func(k string) string { return env[k] }); !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v", c)
	}
}

// TestCheckInLambda: there is no address to listen on, and only "sam local" runs on somebody's own machine.
func TestCheckInLambda(t *testing.T) {
	for _, c := range []struct {
		base     string
		samLocal bool
		want     string
		err      string
	}{
		{"", false, "", ""},
		{"https://vet.example/", false, "https://vet.example", ""},
		{"http://localhost:3000", true, "http://localhost:3000", ""},
		{"http://localhost:3000", false, "", "not one of AWS"},
		{"https://127.0.0.1", false, "", "not one of AWS"},
		{"http://vet.example", true, "", "https"},
	} {
		cfg := config.Config{Lambda: true, SAMLocal: c.samLocal, BaseURL: c.base}
		err := cfg.Check()
		if c.err == "" && (err != nil || cfg.BaseURL != c.want) {
			t.Errorf("%q: %q, %v", c.base, cfg.BaseURL, err)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: %v, want it to say %q", c.base, err, c.err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		addr, base string
		want       string
		local      bool
		err        string
	}{
		{"localhost:8080", "", "http://localhost:8080", true, ""},
		{"127.0.0.1:9090", "", "http://127.0.0.1:9090", true, ""},
		{"[::1]:80", "", "http://[::1]", true, ""},
		{":8080", "", "", false, "other machines"},
		{"0.0.0.0:8080", "", "", false, "other machines"},
		{"[::]:8080", "", "", false, "other machines"},
		{"0.0.0.0:8080", "https://vet.example", "https://vet.example", false, ""},
		{"0.0.0.0:8080", "http://localhost:3000", "http://localhost:3000", true, ""}, // a published port of a container
		{"localhost:8080", "https://Vet.Example/", "https://vet.example", false, ""},
		{"localhost:8080", "https://vet.example:443", "https://vet.example", false, ""},
		{"localhost:8080", "http://localhost:3000", "http://localhost:3000", true, ""},
		{"localhost", "", "", false, "host:port"},
		{"localhost:abc", "", "", false, "not a port"},
		{"localhost:70000", "", "", false, "not a port"},
		{"192.0.2.1:8080", "", "", false, "other machines"},
		{"localhost:8080", "http://vet.example", "", false, "https"},
		{"localhost:8080", "http://localhost.evil.example", "", false, "https"},
		{"localhost:8080", "https://vet.example/stage", "", false, "without path"},
		{"localhost:8080", "https://u:p@vet.example", "", false, "without path"},
		{"localhost:8080", "vet.example", "", false, "not a URL"},
		{"localhost:8080", "ftp://vet.example", "", false, "not a URL"},
	} {
		cfg := config.Config{Addr: c.addr, BaseURL: c.base}
		err := cfg.Check()
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s %s: %v, want it to say %q", c.addr, c.base, err, c.err)
			}
			continue
		}
		if err != nil || cfg.BaseURL != c.want || cfg.Local() != c.local {
			t.Errorf("%s %s: %q, local %v, %v", c.addr, c.base, cfg.BaseURL, cfg.Local(), err)
		}
	}
	bad := config.Config{Addr: "localhost:1", AllowedOrigins: []string{"*"}}
	if err := bad.Check(); err == nil {
		t.Error("the origin * was accepted")
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "[::1]": true,
		"": false, "0.0.0.0": false, "localhost.": false, "10.0.0.1": false, "localhost.example": false, "::ffff:127.0.0.1": true} {
		if got := config.IsLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestSeed(t *testing.T) {
	for seed, ok := range map[string]bool{"": true, "demo": true, "none": true, "None": false, "all": false} {
		c := config.Config{Addr: "localhost:8080", Seed: seed}
		if err := c.Check(); (err == nil) != ok || c.Seed != seed || err != nil && !strings.Contains(err.Error(), "demo or none") {
			t.Errorf("%q: %v", seed, err)
		}
	}
}

func TestDurability(t *testing.T) {
	for durability, ok := range map[string]bool{"": true, "normal": true, "full": true, "FULL": false, "off": false} {
		c := config.Config{Addr: "localhost:8080", Durability: durability}
		if err := c.Check(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "normal or full") {
			t.Errorf("%q: %v", durability, err)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	for list, want := range map[string]string{"": "[]", " , ": "[]", "127.0.0.1, ::1": "[127.0.0.1/32 ::1/128]", "10.1.2.3/8": "[10.0.0.0/8]",
		"::ffff:127.0.0.1": "[127.0.0.1/32]", "::ffff:10.1.2.3/104": "[10.0.0.0/8]", "::ffff:0.0.0.0/96": "whatever anybody writes", "::fff0:0:0/92": "[::fff0:0:0/92]",
		"proxy.example": "IP address", "fe80::1%eth0": "IP address", "10.0.0.0/33": "IP address", "0.0.0.0/0": "whatever anybody writes", "::/0": "whatever anybody writes"} {
		c := config.Config{Addr: "localhost:8080", TrustedProxies: list}
		proxies, err := c.Proxies()
		if again := c.Check(); (again == nil) != (err == nil) || err == nil && fmt.Sprint(proxies) != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", list, proxies, err)
		}
	}
}

// An access token may last for less than ten minutes, never for more.
func TestTokenLife(t *testing.T) {
	for life, want := range map[string]time.Duration{"": 10 * time.Minute, "10m": 10 * time.Minute, "600s": 10 * time.Minute, "1m": time.Minute, "90s": 90 * time.Second,
		"59s": 0, "10m1s": 0, "1h": 0, "-1m": 0, "0": 0, "5": 0, "five minutes": 0} {
		c := config.Config{Addr: "localhost:8080", TokenLife: life}
		err := c.Check()
		if (err == nil) != (want > 0) || want > 0 && c.TokenLifetime() != want || err != nil && !strings.Contains(err.Error(), "from 1m to 10m") {
			t.Errorf("%q: %s, %v", life, c.TokenLifetime(), err)
		}
	}
}
