package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/vetassist/vetassist/functions/vetassist/visitor"
	"github.com/vetassist/vetassist/functions/vetassist/workshop"
)

// administrator looks after the directory meanwhile.
type administrator struct {
	client *visitor.Client
	login  workshop.Login
}

func (a *administrator) call(ctx context.Context, method, path string, body, out any, status int, headers ...string) error {
	token, err := a.login.Token(ctx, "")
	if err != nil {
		return err
	}
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = string(b)
		headers = append(headers, "Content-Type", "application/json")
	}
	answer, err := a.client.Send(ctx, method, "/admin/api/v1"+path, text, append(headers, "Authorization", "Bearer "+token, "Accept", "application/json")...)
	if err := want(answer, err, status, ""); err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer.Body, out)
}

// work reads lists, makes a user, gives them another name, and deletes them again.
func (a *administrator) work(ctx context.Context) error {
	for _, path := range []string{"/users?limit=50", "/applications?limit=50", "/roles", "/servers", "/audit?limit=20"} {
		if err := a.call(ctx, http.MethodGet, path, nil, nil, http.StatusOK); err != nil {
			return fmt.Errorf("GET %s: %w", path, err)
		}
	}
	var user struct {
		ID   string `json:"id"`
		ETag string `json:"etag"`
	}
	name := "passing-" + strings.ToLower(rand.Text()[:10])
	err := a.call(ctx, http.MethodPost, "/users", map[string]any{"username": name, "name": "Somebody", "roles": []string{"Pet Owner"}, "password": rand.Text()}, &user, http.StatusCreated)
	if err != nil {
		return fmt.Errorf("making a user: %w", err)
	}
	path := "/users/" + url.PathEscape(user.ID)
	if err := a.call(ctx, http.MethodPatch, path, map[string]any{"name": "Somebody Else"}, nil, http.StatusOK, "If-Match", user.ETag); err != nil {
		return fmt.Errorf("changing a user: %w", err)
	}
	if err := a.call(ctx, http.MethodDelete, path, nil, nil, http.StatusNoContent, "If-Match", "*"); err != nil {
		return fmt.Errorf("deleting a user: %w", err)
	}
	return nil
}
