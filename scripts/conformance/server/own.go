package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/vetassist/vetassist/functions/mcp"
	"github.com/vetassist/vetassist/seed"
	"github.com/vetassist/vetassist/shared/clinic"
	"github.com/vetassist/vetassist/shared/clinic/knowledge"
	"github.com/vetassist/vetassist/shared/secret"
	"github.com/vetassist/vetassist/shared/store"
)

// own is the clinic's server itself, with a fresh clinic. Of the suite's scenarios it can meet those that name no tool.
func own(ctx context.Context, config mcp.Config, db store.Store) (http.Handler, error) {
	if err := clinic.Seed(ctx, db, seed.Files, time.Now()); err != nil {
		return nil, err
	}
	var err error
	if config.Clinic, err = clinic.New(clinic.Config{Store: db, Files: seed.Files, Now: time.Now, Rand: rand.Reader}); err != nil {
		return nil, err
	}
	if config.Knowledge, err = knowledge.Load(seed.Files); err != nil {
		return nil, err
	}
	config.Secret = secret.At(db, rand.Reader, "mcp-secret/questions")
	return mcp.New(config)
}
