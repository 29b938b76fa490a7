// MCP Servers: the list, and a new one.

import { api, seg } from "./api.js";
import { badge, code, count, h, when } from "./dom.js";
import { form, text } from "./form.js";
import { list } from "./list.js";
import { empty, link, toast } from "./ui.js";

export async function serversScreen(ctx) {
  return {
    title: "MCP Servers",
    intro: "The resource servers that access tokens are made for, each with the scopes that it knows.",
    actions: link("/admin/servers/new", "New MCP Server", "button"),
    content: await list(ctx, {
      path: "/servers", caption: "MCP Servers",
      empty: empty("There is no MCP server yet.", link("/admin/servers/new", "Register the first one")),
      columns: [
        { title: "Name", cell: (s) => [link(`/admin/servers/${seg(s.id)}`, s.name, "name"), s.system ? badge("VetAssist itself") : null, s.deleting ? badge("being deleted", "warn") : null] },
        { title: "Identifier", cell: (s) => code(s.identifier) },
        { title: "URL", cell: (s) => code(s.url) },
        { title: "Scopes", cell: (s) => count(s.scopes.length, "scope") },
        { title: "Created", cell: (s) => when(s.created) },
      ],
    }),
  };
}

// serverFields are of a server that is new (with an identifier to choose) or known.
export function serverFields(s) {
  return [
    text({ name: "name", label: "Name", required: true, value: s?.name, of: (r) => r.name, hint: "People read it on the consent page.", placeholder: s ? null : "VetAssist MCP Server" }),
    s ? null : text({ name: "identifier", label: "Identifier", required: true, mono: true, hint: "Names the server in tokens and permissions, and never changes.", placeholder: "mcp://vetassist" }),
    text({ name: "url", label: "URL", required: true, mono: true, value: s?.url, of: (r) => r.url, inputmode: "url", hint: "Where the server is reached; clients send it as the resource.", placeholder: `${location.origin}/mcp` }),
  ].filter(Boolean);
}

export async function serverNewScreen(ctx) {
  const key = crypto.randomUUID();
  const f = form({
    label: "New MCP Server", fields: serverFields(), action: "Register", cancel: () => ctx.go("/admin/servers"),
    onsave: async (values) => {
      const made = await api("POST", "/servers", { body: { ...values, scopes: [] }, key });
      toast(`Registered ${made.name}. Now define its scopes.`);
      await ctx.go(`/admin/servers/${seg(made.id)}`);
    },
  });
  return { title: "New MCP Server", up: [["/admin/servers", "MCP Servers"]], content: h("div", { class: "card part form" }, f.node) };
}
