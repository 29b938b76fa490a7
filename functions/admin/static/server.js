// One MCP server: what it is called, and its scopes.

import { api, seg } from "./api.js";
import { ask, formDialog } from "./dialog.js";
import { badge, code, h, when } from "./dom.js";
import { form, text, toggle } from "./form.js";
import { remove, uses } from "./remove.js";
import { serverFields } from "./servers.js";
import { attempt } from "./trouble.js";
import { act, button, dangers, empty, facts, section, toast } from "./ui.js";

export async function serverScreen(ctx) {
  const path = `/servers/${seg(ctx.params.id)}`;
  const server = await api("GET", path, { signal: ctx.signal });
  const put = (change, query) => api("PUT", path, { etag: change.etag ?? server.etag, query, body: { name: change.name ?? server.name, url: change.url ?? server.url, scopes: change.scopes ?? server.scopes } });
  const name = form({
    label: "Name and URL", fields: serverFields(server), record: { etag: server.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    onsave: async (values, etag) => {
      await put({ ...values, etag });
      toast("Saved.");
      await ctx.reload();
    },
  });
  const known = facts([["Identifier", code(server.identifier)], ["Created", when(server.created)], server.system ? ["Part of", "VetAssist itself: the admin API that this console calls"] : null]);
  return {
    title: server.name, up: [["/admin/servers", "MCP Servers"]],
    actions: server.deleting ? badge("being deleted", "warn") : null,
    content: [
      scopes(ctx, server, put),
      server.system ? section("Details", known, facts([["URL", code(server.url)]])) : section("Details", known, name.node),
      server.system ? null : dangers(act("Delete this server", "No token can be made for it any more. Roles, applications and consents that name it are shown first.",
        button("Delete", () => remove(ctx, {
          path, etag: server.etag, what: server.name, then: "/admin/servers", typed: server.identifier,
          consequences: "Its scopes go with it, and whoever holds a token for it gets no other.",
        }), "danger quiet"))),
    ],
  };
}

function scopes(ctx, server, put) {
  const fixed = server.system;
  const rows = server.scopes.map((s, i) => h("li", { class: "act scope" },
    h("div", null, code(s.name), " ", h("strong", null, s.title || s.name), s.open ? [" ", badge("open to self-registered clients")] : null, h("p", { class: "small muted" }, s.description)),
    fixed ? null : h("div", { class: "row-actions" },
      button("Edit", () => edit(ctx, server, put, i), "quiet slim"), button("Remove", () => drop(ctx, server, put, i), "quiet slim"))));
  return section("Scopes",
    h("p", { class: "small muted" }, "What a client can be allowed to do here. A role must permit a scope, the client must be authorized for it, and the user must consent."),
    rows.length ? h("ul", { class: "plain rows" }, rows) : empty("This server has no scopes yet. Without one, nobody can be allowed anything."),
    fixed ? null : h("p", null, button("Add a scope", () => edit(ctx, server, put, server.scopes.length), "")));
}

// edit asks for the scope at a place of the list; the place after the last one is a new one.
function edit(ctx, server, put, i) {
  const s = server.scopes[i];
  const at = `scopes[${i}]`;
  return formDialog({
    title: s ? `Scope ${s.name}` : "Add a scope", action: s ? "Save" : "Add",
    fields: [
      text({ name: `${at}.name`, label: "Scope", mono: true, required: true, value: s?.name, placeholder: "pet-profile:read", hint: "As it stands in requests and tokens." }),
      text({ name: `${at}.title`, label: "Display name", required: true, maxlength: 60, value: s?.title, placeholder: "See pet profiles", hint: "A person reads it on the consent page." }),
      text({ name: `${at}.description`, label: "Description", maxlength: 500, value: s?.description }),
      toggle({ name: `${at}.open`, label: "Clients that register themselves may ask for it", value: s?.open, hint: "Otherwise only applications that an administrator authorized for it." }),
    ],
    onsave: async (values) => {
      const scope = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(at.length + 1), value]));
      await put({ scopes: [...server.scopes.slice(0, i), scope, ...server.scopes.slice(i + 1)] });
      toast(s ? "Saved." : `Added ${scope.name}.`);
      await ctx.reload();
    },
  });
}

async function drop(ctx, server, put, i) {
  const { name } = server.scopes[i];
  const left = server.scopes.toSpliced(i, 1);
  if (!(await ask({ title: `Remove ${name}?`, body: "No token can hold it any more.", action: "Remove" }))) {
    return;
  }
  await attempt(ctx, async () => {
    try {
      await put({ scopes: left });
    } catch (error) {
      if (error.status !== 409 || !error.uses.length) {
        throw error;
      }
      if (!(await ask({ title: `${name} is in use`, body: uses(error), action: "Remove it there too" }))) {
        return;
      }
      await put({ scopes: left }, { cascade: true });
    }
    toast(`Removed ${name}.`);
    await ctx.reload();
  });
}
