// Overview: the steps of the guide, and which of them are done.

import { api, seg } from "./api.js";
import { browses } from "./application-new.js";
import { h } from "./dom.js";
import { link } from "./ui.js";

export async function overviewScreen(ctx) {
  const first = (path) => api("GET", path, { query: { limit: 50 }, signal: ctx.signal }).then((page) => page.items.filter((i) => !i.system && !i.deleting));
  const [servers, roles, users, applications] = await Promise.all([first("/servers"), first("/roles"), first("/users"), first("/applications")]);
  const clients = await Promise.all(applications.filter((a) => a.source === "admin" && browses(a.template)).slice(0, 6).map((a) => api("GET", `/applications/${seg(a.id)}`, { signal: ctx.signal }))).then((found) => found.filter((a) => !a.system));
  const members = await Promise.all(roles.slice(0, 6).map((r) => api("GET", `/roles/${seg(r.name)}/members`, { query: { limit: 1 }, signal: ctx.signal })));
  const done = steps(servers, roles, users, members.flatMap((m) => m.items), clients);
  const next = done.findIndex((s) => !s.done);
  return {
    title: "Overview",
    intro: "MCP authorization, set up by hand: who may do what with an MCP server, and through which application.",
    content: [
      h("section", { class: "card part", "aria-labelledby": "steps" },
        h("h2", { id: "steps" }, next < 0 ? "Everything is set up" : `Set up: step ${next + 1} is next`),
        h("ol", { class: "steps" }, done.map((s, i) => step(s, i, i === next)))),
      next < 0 ? h("section", { class: "card part", "aria-labelledby": "then" }, h("h2", { id: "then" }, "Try it"),
        h("p", null, "Open ", h("a", { href: "/", target: "_blank", rel: "noreferrer" }, "the chat app"), ", ask “When is Fido’s next vaccination?”, and log in as one of the users."),
        h("p", null, "Then see what happened in the ", link("/admin/audit", "audit log"), ", and ", link("/admin/why", "why"), " a permission was given or not.")) : null,
    ],
  };
}

// steps are the guide's. Each says where it is done, and what shows that it has been.
function steps(servers, roles, users, members, clients) {
  const server = servers.find((s) => s.scopes.length) ?? servers[0];
  const role = roles.find((r) => r.permissions.length) ?? roles[0];
  const [member] = members;
  const client = clients.find((c) => c.authorizations.length) ?? clients[0];
  const at = (thing, path, id, tab = "") => (thing ? `${path}/${seg(id)}${tab}` : `${path}/new`);
  return [
    { title: "Register the MCP server", text: "Its name, its identifier, and the URL where it is reached.", href: at(server, "/admin/servers", server?.id), done: servers.length > 0, what: server?.name },
    { title: "Define its scopes", text: "What a client can be allowed to do there.", href: at(server, "/admin/servers", server?.id), done: Boolean(server?.scopes.length), what: server?.scopes.map((s) => s.name).join(", ") },
    { title: "Define a role", text: "Such as Pet Owner, which every customer gets.", href: at(role, "/admin/roles", role?.name), done: roles.length > 0, what: roles.map((r) => r.name).join(", ") },
    { title: "Give the role permissions", text: "Which of the scopes its users may pass on.", href: at(role, "/admin/roles", role?.name), done: Boolean(role?.permissions.length), what: role?.permissions.flatMap((p) => p.scopes).join(", ") },
    { title: "Assign the role to users", text: "Create the user first, if there is none.", href: role && users.length > 1 ? `/admin/roles/${seg(role.name)}?tab=users` : "/admin/users", done: Boolean(member), what: member?.name },
    { title: "Register the MCP client application", text: "Its redirect URLs; what it gets is a client id.", href: at(client, "/admin/applications", client?.id), done: clients.length > 0, what: client?.name },
    { title: "Authorize it", text: "On its Authorization tab: Authorize an API Resource.", href: at(client, "/admin/applications", client?.id, "?tab=authorization"), done: Boolean(client?.authorizations.length), what: client?.authorizations.map((a) => a.server.name).join(", ") },
  ];
}

function step(s, i, next) {
  return h("li", { class: s.done ? "done" : next ? "next" : null },
    h("span", { class: "mark", "aria-hidden": "true" }, s.done ? "✓" : String(i + 1)),
    h("div", null, link(s.href, s.title, "name"), h("span", { class: "hidden" }, s.done ? " (done)" : next ? " (next)" : " (to do)"),
      h("p", { class: "small muted" }, s.done && s.what ? s.what : s.text)));
}
