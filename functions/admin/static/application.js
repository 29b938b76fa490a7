// One application: its tabs.

import { all, api, seg } from "./api.js";
import { consents, grants } from "./access.js";
import { actsFor, agentOf } from "./application-agent.js";
import { editor } from "./application-edit.js";
import { proof } from "./application-keys.js";
import { agent, browses, machine, redirectHint } from "./application-new.js";
import { source } from "./applications.js";
import { authorization } from "./authorization.js";
import { ask } from "./dialog.js";
import { badge, code, h, when } from "./dom.js";
import { checks, lines, text, toggle } from "./form.js";
import { remove } from "./remove.js";
import { attempt } from "./trouble.js";
import { act, button, dangers, facts, link, section, shown, tabs } from "./ui.js";
import { roleOption } from "./user-new.js";

export async function applicationScreen(ctx) {
  const path = `/applications/${seg(ctx.params.id)}`;
  const app = await api("GET", path, { signal: ctx.signal });
  const parts = [["general", "General", general], ["protocol", "Protocol", protocol], ["authorization", "Authorization", authorization],
    { [machine]: ["roles", "Roles", roles], [agent]: ["acts-for", "Acts for", actsFor] }[app.template] ?? ["access", "Access", access]];
  const [tab, , part] = parts.find(([id]) => id === ctx.query.get("tab")) ?? parts[0];
  return {
    title: app.name, up: [["/admin/applications", "Applications"]],
    actions: [app.disabled ? badge("disabled", "bad") : null, app.deleting ? badge("being deleted", "warn") : null],
    content: [tabs(ctx.path, parts, tab), await part(ctx, path, app)],
  };
}

// own tells whether this console may edit it: what registered itself says itself what it is, and the console's own client
// is VetAssist's.
function own(app) {
  return app.source === "admin" && !app.system;
}

function general(ctx, path, app) {
  return [
    section("General", h("div", { class: "form" }, shown("Client id", app.client_id)),
      facts([app.template ? ["Template", app.template] : null, ["Came from", source(app.source)], ["Created", when(app.created)], app.system ? ["Part of", "VetAssist itself"] : null, ...itself(app)]),
      app.source === "admin" ? null : h("p", { class: "small muted" }, "It says all this of itself, so it can be disabled and deleted here, but not edited."),
      own(app) ? editor(ctx, path, app, "General", [text({ name: "name", label: "Name", required: true, value: app.name, of: (a) => a.name })]) : null,
      h("p", null, link(`/admin/audit?client_id=${seg(app.id)}`, "This application in the audit log"), " · ", link(`/admin/why?client_id=${seg(app.id)}`, "Why may it do what?"))),
    app.system ? null : dangers(
      app.disabled
        ? act("Enable", "Lets this application ask for tokens again.", button("Enable", () => patch(ctx, path, app, { disabled: false }, `${app.name} is enabled.`)))
        : act("Disable", "It gets no more tokens until you enable it again.", button("Disable", async () => {
          if (await ask({ title: `Disable ${app.name}?`, body: "Nothing is refreshed for it. Access tokens that were given out last up to ten minutes more.", action: "Disable" })) {
            await patch(ctx, path, app, { disabled: true }, `${app.name} is disabled.`);
          }
        }, "danger quiet")),
      act("Delete", "Removes this application with all its consents and grants.", button("Delete", () => remove(ctx, {
        path, etag: app.etag, what: app.name, then: "/admin/applications", consequences: "Its client id will not be known any more. This cannot be undone.",
      }), "danger quiet"))),
  ];
}

// itself is what one that registered itself says of itself. Nobody here has looked whether that is true.
function itself(app) {
  if (app.source === "admin") {
    return [];
  }
  return [
    app.client_id !== app.id ? ["Described at", [code(new URL(app.client_id).host), " in a document of its own"]] : null,
    app.fetched ? ["Document read", when(app.fetched)] : null,
    app.client_uri ? ["Home page, as it says", code(app.client_uri)] : null,
    app.expires ? ["Forgotten", [when(app.expires), ", unless somebody allows it something before"]] : null,
  ];
}

const proofs = { secret: "its secret", private_key_jwt: "its private key" };

// proves tells how an application proves that it is itself. PKCE proves that whoever redeems a code is who asked for it.
function proves(app) {
  const means = [proofs[app.auth_method], app.grant_types.includes("authorization_code") ? "PKCE" : null].filter(Boolean);
  return means.length ? `with ${means.join(", and ")}${app.auth_method === "none" ? "; it has no secret" : ""}` : "not at all: it has nothing to keep a secret in";
}

function protocol(ctx, path, app) {
  return [
    section("Protocol", h("div", { class: "form" }, shown("Client id", app.client_id)),
      facts([["Grants", app.grant_types.map((g) => [code(g), " "])], ["Proves itself", proves(app)], ...(own(app) ? [] : says(app))]),
      own(app) && browses(app.template) ? editor(ctx, path, app, "Redirect URLs", [
        lines({ name: "redirect_uris", label: "Redirect URLs", hint: redirectHint, required: true, value: app.redirect_uris, of: (a) => a.redirect_uris }),
        lines({ name: "post_logout_redirect_uris", label: "Logout URLs", hint: "Where it may send people after they have logged out, one a line. None is needed.", value: app.post_logout_redirect_uris, of: (a) => a.post_logout_redirect_uris }),
      ]) : null),
    own(app) ? section("Protection", editor(ctx, path, app, "Protection", protection(app))) : null,
    own(app) && app.template !== machine ? agentOf(ctx, path, app) : null,
    own(app) ? proof(ctx, path, app) : null,
  ];
}

// says is what nobody here can change: what an application said of itself, or VetAssist is made of.
function says(app) {
  const addresses = (all) => all.map((u) => h("div", null, code(u)));
  return [
    app.jwks_uri ? ["Its public keys", code(app.jwks_uri)] : null,
    ["Redirect URLs", addresses(app.redirect_uris)],
    app.post_logout_redirect_uris.length ? ["Logout URLs", addresses(app.post_logout_redirect_uris)] : null,
    app.require_pushed_authorization_requests ? ["Pushed requests", "only"] : null,
    app.dpop_bound_access_tokens ? ["Tokens", "bound to its key (DPoP)"] : null,
  ];
}

// protection is what makes it harder to misuse what was stolen; each asks something of the application.
function protection(app) {
  return [
    browses(app.template) ? toggle({
      name: "require_pushed_authorization_requests", label: "Only pushed authorization requests", value: app.require_pushed_authorization_requests, of: (a) => a.require_pushed_authorization_requests,
      hint: "It sends its request to this server first, and the browser carries only a one-time reference to it. So nobody on the way can read or change what is asked for (PAR, RFC 9126).",
    }) : null,
    toggle({
      name: "dpop_bound_access_tokens", label: "Only tokens that are bound to its key", value: app.dpop_bound_access_tokens, of: (a) => a.dpop_bound_access_tokens,
      hint: "It proves with every request that it has the key that its token was issued for. So a stolen token is worth nothing (DPoP, RFC 9449).",
    }),
  ].filter(Boolean);
}

async function roles(ctx, path, app) {
  const known = await all("/roles", { signal: ctx.signal });
  return section("Roles", h("p", { class: "small muted" }, "This application acts for nobody, so its roles stand where a user's roles and consent stand otherwise."),
    editor(ctx, path, app, "Roles", [checks({ name: "roles", label: "Roles of the application", values: app.roles ?? [], of: (a) => a.roles ?? [], options: known.map(roleOption), none: "There are no roles yet." })]));
}

async function access(ctx, path, app) {
  const of = { client_id: app.id };
  const [agreed, given] = await Promise.all([consents(ctx, of), grants(ctx, of)]);
  return [section("Consents", h("p", { class: "small muted" }, "Who allowed this application what."), agreed), section("Grants", h("p", { class: "small muted" }, "In whose name it can refresh a token."), given)];
}

async function patch(ctx, path, app, body, done) {
  await attempt(ctx, async () => {
    await api("PATCH", path, { etag: app.etag, body });
    await ctx.reload();
  }, done);
}
