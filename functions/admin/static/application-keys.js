// How an application proves itself: with a secret, or with a key of its own, of which only the public half comes here.

import { api } from "./api.js";
import { ask, formDialog, tell } from "./dialog.js";
import { code, h, when } from "./dom.js";
import { area, text } from "./form.js";
import { attempt } from "./trouble.js";
import { button, facts, section, shown, toast } from "./ui.js";

// proof is the section about it; nothing for one that runs where everybody can look.
export function proof(ctx, path, app) {
  if (app.auth_method === "secret") {
    return section("Secret", facts([["Last changed", when(app.secret_changed)]]),
      h("p", { class: "small muted" }, "Only a hash of it is kept, so it cannot be shown again. A key is better: its private half never leaves the application."),
      h("div", { class: "actions" }, button("Rotate secret", () => rotate(ctx, path, app), "danger quiet"), button("Use a key instead", () => enter(ctx, path, app))));
  }
  if (app.auth_method === "private_key_jwt") {
    return section("Key", facts([
      ["Last changed", when(app.secret_changed)],
      app.jwks_uri ? ["Public keys", [code(app.jwks_uri), ", read when they are needed"]] : ["Public keys", (app.jwks?.keys ?? []).map((k) => h("div", null, [k.kty, k.crv, k.alg].filter(Boolean).join(", "), k.kid ? [" ", code(k.kid)] : null))],
    ]),
      h("p", { class: "small muted" }, "It signs a short message with the private half at each request for a token (private_key_jwt, RFC 7523)."),
      h("div", { class: "actions" }, button("Change the key", () => enter(ctx, path, app)), button("Use a secret instead", () => rotate(ctx, path, app), "danger quiet")));
  }
  return null;
}

// rotate gives a secret, in place of another one or of keys.
async function rotate(ctx, path, app) {
  const [title, body, action] = app.auth_method === "secret"
    ? ["Rotate the secret?", `The secret that ${app.name} has ends at once. It needs the new one before it can get a token again.`, "Rotate"]
    : ["Use a secret instead?", `The keys of ${app.name} are forgotten at once. It needs the new secret before it can get a token again.`, "Use a secret"];
  if (!(await ask({ title, body, action }))) {
    return;
  }
  const made = await attempt(ctx, () => api("POST", `${path}/secret`));
  if (made) {
    await tell({ title: "The new secret", body: shown("Client secret", made.client_secret, "It is shown this once; only a hash of it is kept."), action: "I have it" });
    await ctx.reload();
  }
}

// enter asks for public keys.
function enter(ctx, path, app) {
  const keys = area({ name: "jwks", label: "Public keys", hint: "A JWK set, or one JWK, as JSON: the public half only.", of: (a) => JSON.stringify(a.jwks) });
  const where = text({ name: "jwks_uri", label: "Or their address", inputmode: "url", mono: true, hint: "An https address at which the application keeps its public keys. Then it can change them by itself.", value: app.jwks_uri ?? "" });
  return formDialog({
    title: app.auth_method === "secret" ? "Use a key instead" : "Change the key", action: "Use it", fields: [keys, where],
    intro: app.auth_method === "secret" ? `The secret that ${app.name} has ends at once.` : `The keys that ${app.name} has now end at once.`,
    onsave: async (values) => {
      const body = values.jwks ? { jwks: parse(keys, values.jwks) } : {};
      if (values.jwks_uri && !(values.jwks && values.jwks_uri === app.jwks_uri)) { // keys that are pasted replace the address that was there
        body.jwks_uri = values.jwks_uri;
      }
      if (!Object.keys(body).length) {
        refuse(keys, "Paste the public keys, or enter their address.");
      }
      await api("PATCH", path, { etag: app.etag, body });
      toast(`${app.name} proves itself with its key now.`);
      await ctx.reload();
    },
  });
}

const secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

// parse makes a JWK set of what was pasted. A private key stays in this browser: it is not even sent.
function parse(field, pasted) {
  let set;
  try {
    set = JSON.parse(pasted);
  } catch {
    refuse(field, "This is no JSON. It begins with { and ends with }.");
  }
  const keys = set?.keys ?? (set?.kty ? [set] : null);
  if (!Array.isArray(keys)) {
    refuse(field, "This is neither a JWK set, {\"keys\": […]}, nor a JWK, {\"kty\": …}.");
  }
  if (keys.some((k) => secretMembers.some((name) => k?.[name] !== undefined))) {
    refuse(field, "This is a private key. It belongs to the application alone, and was not sent. Paste the public half.");
  }
  return { keys };
}

function refuse(field, message) {
  field.fail(message);
  throw new Error("Nothing is changed yet.");
}
