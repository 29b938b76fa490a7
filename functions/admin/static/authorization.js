// The Authorization tab of an application: which API resources it may ask for, and which scopes of them.

import { api, seg, serversOf } from "./api.js";
import { ask, formDialog } from "./dialog.js";
import { code, h, replace } from "./dom.js";
import { select } from "./form.js";
import { scopeChecks } from "./scopes.js";
import { attempt } from "./trouble.js";
import { button, empty, link, section, toast } from "./ui.js";

export async function authorization(ctx, path, app) {
  const servers = await serversOf(ctx);
  if (app.source !== "admin") {
    return opened(servers);
  }
  const rows = app.authorizations.map((a) => h("li", { class: "act" },
    h("div", null, h("strong", null, a.server.name), " ", code(a.server.identifier), h("p", { class: "codes" }, a.scopes.map((s) => [code(s), " "]))),
    app.system ? null : h("div", { class: "row-actions" },
      button("Edit", () => edit(ctx, path, app, servers.find((s) => s.id === a.server.id), a.scopes), "quiet slim"),
      button("Remove", () => drop(ctx, path, app, a.server), "quiet slim"))));
  const left = servers.filter((s) => !app.authorizations.some((a) => a.server.id === s.id));
  return section("Authorization",
    h("p", { class: "small muted" }, "What this application may ask users for. What it gets is bounded by their roles and their consent, too."),
    rows.length ? h("ul", { class: "plain rows" }, rows) : empty("This application is authorized for no API resource yet, so it cannot get a token."),
    app.system ? null : left.length ? h("p", null, button("Authorize an API Resource", () => authorize(ctx, path, app, left), ""))
      : h("p", { class: "small muted" }, servers.length ? "It is authorized for every server that there is." : ["There is no MCP server yet. ", link("/admin/servers/new", "Register one")]));
}

// opened is what applications that registered themselves may ask for: nobody authorized any of them, each server opens some of its scopes.
function opened(servers) {
  const rows = servers.map((s) => [s, s.scopes.filter((scope) => scope.open)]).filter(([, scopes]) => scopes.length);
  return section("Authorization",
    h("p", { class: "small muted" }, "This application registered itself. It may ask users for the scopes that a server opens to such applications, and for no others."),
    rows.length ? h("ul", { class: "plain rows" }, rows.map(([s, scopes]) => h("li", { class: "act" },
      h("div", null, link(`/admin/servers/${seg(s.id)}`, s.name), " ", code(s.identifier), h("p", { class: "codes" }, scopes.map((scope) => [code(scope.name), " "]))))))
      : empty("No server opens any scope, so it cannot get a token."));
}

const put = (path, app, server, scopes) => api("PUT", `${path}/authorizations/${seg(server.id)}`, { etag: app.etag, body: { scopes } });

// authorize asks for a server, and then for scopes of it.
function authorize(ctx, path, app, servers) {
  const box = h("div", null);
  let scopes;
  const chosen = () => servers.find((s) => s.id === server.read());
  const fit = () => {
    scopes = scopeChecks(chosen(), { label: "Scopes" });
    replace(box, scopes.node);
  };
  const server = select({ name: "server", label: "API resource", options: servers.map((s) => ({ value: s.id, label: `${s.name} (${s.identifier})` })), onchange: fit });
  const within = { name: "scopes", node: box, read: () => scopes.read(), fail: (message) => scopes.fail(message), focus: () => scopes.focus() };
  fit();
  return formDialog({
    title: "Authorize an API Resource", action: "Authorize", fields: [server, within],
    onsave: async (values) => {
      if (!values.scopes.length) {
        within.fail("Tick at least one scope.");
        throw new Error("Nothing is ticked.");
      }
      await put(path, app, chosen(), values.scopes);
      toast(`${app.name} may ask for ${values.scopes.join(", ")} now.`);
      await ctx.reload();
    },
  });
}

function edit(ctx, path, app, server, values) {
  return formDialog({
    title: server.name, fields: [scopeChecks(server, { values, label: "Scopes" })],
    onsave: async ({ scopes }) => {
      await put(path, app, server, scopes);
      toast("Saved. Tokens follow at their next refresh.");
      await ctx.reload();
    },
  });
}

async function drop(ctx, path, app, server) {
  if (!(await ask({ title: `Take ${server.name} from ${app.name}?`, body: "It cannot get a token for that server any more, nor refresh one.", action: "Remove" }))) {
    return;
  }
  await attempt(ctx, async () => {
    await api("DELETE", `${path}/authorizations/${seg(server.id)}`, { etag: app.etag });
    await ctx.reload();
  }, `${app.name} may not ask for ${server.name} any more.`);
}
