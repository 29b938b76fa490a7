package directory

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vetassist/vetassist/shared/store"
)

// Bounds on what an administrator may say of an issuer.
const (
	maxNamed     = 20 // applications
	maxWorkloads = 50
	maxSubject   = 255 // bytes
)

// IssuerRecords are all trusted issuers, for administration: with versions, and disabled ones too.
func (d *Directory) IssuerRecords(ctx context.Context) ([]store.Record[Issuer], error) {
	return store.ReadAll[Issuer](ctx, d.store, store.Query{Partition: trustPartition, Prefix: issuerPrefix}, 2*maxTrusted) // two who add at once may add one too many
}

// IssuerRecord reads a trusted issuer for administration: with the version that a change must name.
func (d *Directory) IssuerRecord(ctx context.Context, id string) (store.Record[Issuer], error) {
	if store.ValidKey(trustPartition, issuerPrefix+id) != nil {
		return store.Record[Issuer]{}, ErrNotFound
	}
	return store.Read[Issuer](ctx, d.store, trustPartition, issuerPrefix+id)
}

// AddIssuer trusts an issuer from now on, if it is enabled. A *FieldError on issuer says that there is one with that URL.
func (d *Directory) AddIssuer(ctx context.Context, i Issuer) (store.Record[Issuer], error) {
	i.ID, i.Created = TrustID(i.URL), d.now().UTC().Truncate(time.Second)
	if err := d.checkIssuer(ctx, i); err != nil {
		return store.Record[Issuer]{}, err
	}
	all, err := d.IssuerRecords(ctx)
	if err == nil && len(all) >= maxTrusted {
		err = &FieldError{"issuer", fmt.Sprintf("cannot be added: there are %d already", maxTrusted)}
	}
	if err != nil {
		return store.Record[Issuer]{}, err
	}
	err = d.store.Write(ctx, store.Put(store.Encode(trustPartition, issuerPrefix+i.ID, i, noExpiry), store.IfAbsent()))
	if errors.Is(err, store.ErrConflict) {
		err = &FieldError{"issuer", "is trusted already"}
	}
	return store.Record[Issuer]{Value: i, Version: 1}, err
}

// UpdateIssuer replaces what an administrator said of an issuer that is at the version. Its URL and its kind stay: another is
// another issuer.
func (d *Directory) UpdateIssuer(ctx context.Context, i Issuer, version int64) (store.Record[Issuer], error) {
	r, err := d.IssuerRecord(ctx, i.ID)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	if err != nil {
		return store.Record[Issuer]{}, err
	}
	i.URL, i.Kind, i.Created = r.Value.URL, r.Value.Kind, r.Value.Created
	if err := d.checkIssuer(ctx, i); err != nil {
		return store.Record[Issuer]{}, err
	}
	err = d.store.Write(ctx, store.Put(store.Encode(trustPartition, issuerPrefix+i.ID, i, noExpiry), store.IfVersion(version)))
	return store.Record[Issuer]{Value: i, Version: version + 1}, err
}

// DeleteIssuer ends the trust in an issuer that is at the version, and takes away the links of its people. ErrUnfinished: there were too many
// for one call; the issuer is disabled by then.
func (d *Directory) DeleteIssuer(ctx context.Context, id string, version int64) error {
	r, err := d.IssuerRecord(ctx, id)
	if err == nil && r.Version != version {
		err = store.ErrConflict
	}
	if err != nil {
		return err
	}
	if !r.Value.Deleting { // the mark moves the version, so whoever was about to link somebody fails
		r.Value.Enabled, r.Value.Deleting = false, true
		if err := d.store.Write(ctx, store.Put(store.Encode(trustPartition, issuerPrefix+id, r.Value, noExpiry), store.IfVersion(version))); err != nil {
			return err
		}
		version++
	}
	for done := 0; ; {
		links, _, err := store.ReadPage[Link](ctx, d.store, store.Query{Partition: linkPartition(id), Limit: store.MaxOps})
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return d.store.Write(ctx, store.Delete(trustPartition, issuerPrefix+id, store.IfVersion(version)))
		}
		if done += len(links); done > maxCascade {
			return ErrUnfinished
		}
		var ops []store.Op
		for _, l := range links {
			ops = append(ops, store.Delete(linkPartition(id), l.Value.Subject, store.Always()))
		}
		if err := d.store.Write(ctx, ops...); err != nil {
			return err
		}
	}
}

// checkIssuer checks what an administrator can enter.
func (d *Directory) checkIssuer(ctx context.Context, i Issuer) error {
	if err := checkText("name", i.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkParty("issuer", i.URL, d.base); err != nil {
		return err
	}
	if err := checkIssuerKeys(i); err != nil {
		return err
	}
	switch i.Kind {
	case EnterpriseIssuer:
		return d.checkEnterprise(ctx, i)
	case WorkloadIssuer:
		return d.checkPlatform(ctx, i)
	}
	return &FieldError{"kind", fmt.Sprintf("must be %s or %s", EnterpriseIssuer, WorkloadIssuer)}
}

// checkParty checks the issuer identifier of an authorization server elsewhere (RFC 8414 §2: no query and no fragment).
func checkParty(field, issuer, base string) error {
	if why := wrongURI(issuer, maxURL); why != "" {
		return &FieldError{field, "must be a URL: " + why}
	}
	u, _ := url.Parse(issuer) // parsed before
	switch {
	case u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return &FieldError{field, "must be https, or http on the same machine"}
	case strings.Contains(issuer, "?"):
		return &FieldError{field, "must have no query"}
	case strings.TrimSuffix(issuer, "/") == strings.TrimSuffix(base, "/"): // "Cross-Domain Use" in the draft: nobody vouches for people to itself
		return &FieldError{field, "must not be this server itself"}
	}
	return nil
}

// checkIssuerKeys: without any, its discovery document says where they are.
func checkIssuerKeys(i Issuer) error {
	if len(i.JWKS) == 0 && i.JWKSURI == "" {
		return nil
	}
	return PublicKeys{i.JWKS, i.JWKSURI}.Check()
}

func (d *Directory) checkEnterprise(ctx context.Context, i Issuer) error {
	if len(i.Workloads) > 0 || i.Reusable {
		return &FieldError{"workloads", "must be left out: this issuer vouches for people"}
	}
	if i.Match != "" && !slices.Contains(MatchClaims, i.Match) {
		return &FieldError{"match", "must be left out, or one of: " + strings.Join(MatchClaims, ", ")}
	}
	if len(i.Clients) > maxNamed {
		return &FieldError{"clients", fmt.Sprintf("must be at most %d", maxNamed)}
	}
	for _, id := range i.Clients {
		// Whoever sends the issuer's word must be able to prove who it is ("Client Authentication" in the draft).
		if err := d.checkNamed(ctx, "clients", id, GrantCode); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) checkPlatform(ctx context.Context, i Issuer) error {
	if len(i.Clients) > 0 || i.Match != "" {
		return &FieldError{"clients", "must be left out: this issuer vouches for programs"}
	}
	if len(i.Workloads) > maxWorkloads {
		return &FieldError{"workloads", fmt.Sprintf("must be at most %d", maxWorkloads)}
	}
	for n, w := range i.Workloads {
		prefix, many := strings.CutSuffix(w.Subject, "*")
		switch {
		case w.Subject == "" || len(w.Subject) > maxSubject || strings.ContainsFunc(w.Subject, func(r rune) bool { return r <= ' ' || r > '~' }):
			return &FieldError{"workloads", fmt.Sprintf("must have subjects of 1 to %d letters, digits and signs", maxSubject)}
		case strings.Contains(prefix, "*"):
			return &FieldError{"workloads", "must have a * at the end of a subject only"}
		case many && (parts(prefix) < 2 || !isSeparator(rune(prefix[len(prefix)-1]))): // "repo:*" is everybody's at many a platform, as "spiffe://*" is
			return &FieldError{"workloads", "must have at least two parts before a *, as in system:serviceaccount:clinic:* or repo:clinic/*"}
		case slices.ContainsFunc(i.Workloads[:n], func(o Workload) bool { return o.Subject == w.Subject }):
			return &FieldError{"workloads", fmt.Sprintf("must not name %.100q twice", w.Subject)}
		}
		if err := d.checkNamed(ctx, "workloads", w.ClientID, GrantMachine); err != nil {
			return err
		}
	}
	return nil
}

func isSeparator(r rune) bool { return r == ':' || r == '/' }

// parts counts what stands between the separators.
func parts(s string) int { return len(strings.FieldsFunc(s, isSeparator)) }

// checkNamed: an application that somebody is to be trusted with is one that an administrator made, and that can prove itself. An ID is never
// given twice, so what is found now is no other one later.
func (d *Directory) checkNamed(ctx context.Context, field, id, grant string) error {
	r, err := d.ClientRecord(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	c := r.Value
	if err != nil || c.SelfRegistered() || !c.Confidential() || !c.May(grant) {
		kind := "a web application with a secret"
		if grant == GrantMachine {
			kind = "a machine-to-machine application"
		}
		return &FieldError{field, fmt.Sprintf("must name %s: %.100q is none", kind, id)}
	}
	return nil
}

// Links lists who at an issuer is whom here, by subject.
func (d *Directory) Links(ctx context.Context, issuer string, q Query) (page Page[Link], err error) {
	limit, err := q.limit()
	if err != nil {
		return page, err
	}
	if store.ValidKey(linkPartition(issuer), "x") != nil {
		return page, ErrNotFound
	}
	if len(q.Prefix) > maxSubject {
		return page, &FieldError{"prefix", fmt.Sprintf("must be at most %d bytes", maxSubject)}
	}
	records, next, err := store.ReadPage[Link](ctx, d.store, store.Query{Partition: linkPartition(issuer), Prefix: q.Prefix, Limit: limit, Cursor: q.Cursor})
	if errors.Is(err, store.ErrInvalid) {
		return page, errCursor
	}
	for _, r := range records {
		page.Items = append(page.Items, r.Value)
	}
	page.Next = next
	if err == nil && len(records) == 0 { // nobody, or nobody linked
		_, err = d.IssuerRecord(ctx, issuer)
	}
	return page, err
}

// AddLink says that somebody at an issuer is a user here. Whoever is linked already is not made somebody else.
func (d *Directory) AddLink(ctx context.Context, issuer, subject, userID string) (Link, error) {
	return insist(func() (Link, error) { return d.addLink(ctx, issuer, subject, userID) })
}

func (d *Directory) addLink(ctx context.Context, issuer, subject, userID string) (Link, error) {
	r, err := d.IssuerRecord(ctx, issuer)
	if err == nil && r.Value.Deleting {
		err = ErrNotFound
	}
	if err != nil {
		return Link{}, err
	}
	if r.Value.Kind != EnterpriseIssuer {
		return Link{}, &FieldError{"subject", "cannot be linked: this issuer vouches for programs, not people"}
	}
	if subject == "" || len(subject) > maxSubject || store.ValidKey(linkPartition(issuer), subject) != nil {
		return Link{}, &FieldError{"subject", fmt.Sprintf("must be 1 to %d bytes of text", maxSubject)}
	}
	if u, err := d.User(ctx, userID); errors.Is(err, ErrNotFound) || err == nil && u.Deleting {
		return Link{}, &FieldError{"user_id", "must be the id of a user"}
	} else if err != nil {
		return Link{}, err
	}
	l := Link{Subject: subject, UserID: userID, Since: d.now().UTC().Truncate(time.Second)}
	// Together with a look at the issuer, which somebody may be changing or deleting.
	ops := []store.Op{store.Put(store.Encode(linkPartition(issuer), subject, l, noExpiry), store.IfAbsent()),
		store.Check(trustPartition, issuerPrefix+issuer, store.IfVersion(r.Version))}
	err = d.store.Write(ctx, ops...)
	var conflict *store.ConflictError
	switch {
	case errors.As(err, &conflict) && conflict.Index == 1:
		return Link{}, errStale
	case errors.As(err, &conflict):
		there, err := store.Read[Link](ctx, d.store, linkPartition(issuer), subject)
		if err == nil && there.Value.UserID != userID {
			err = &FieldError{"subject", "is linked to somebody already: take that link away first"}
		}
		return there.Value, err
	}
	return l, err
}

// RemoveLink takes a link away, or is ErrNotFound. What was granted by it is good for nothing from now on.
func (d *Directory) RemoveLink(ctx context.Context, issuer, subject string) error {
	if _, err := d.LinkedUser(ctx, issuer, subject); err != nil {
		return err
	}
	err := d.store.Write(ctx, store.Delete(linkPartition(issuer), subject, store.IfPresent()))
	if errors.Is(err, store.ErrConflict) {
		err = ErrNotFound
	}
	return err
}
