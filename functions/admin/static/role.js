// One role: what it permits, and who has it.

import { api, seg, serversOf } from "./api.js";
import { ask } from "./dialog.js";
import { badge, h } from "./dom.js";
import { form, text } from "./form.js";
import { list } from "./list.js";
import { userPicker } from "./pick.js";
import { remove } from "./remove.js";
import { scopeChecks } from "./scopes.js";
import { attempt } from "./trouble.js";
import { act, button, dangers, empty, link, section, tabs, toast } from "./ui.js";
import { userColumns } from "./users.js";

export async function roleScreen(ctx) {
  const path = `/roles/${seg(ctx.params.name)}`;
  const tab = ctx.query.get("tab") === "users" ? "users" : "permissions";
  const role = await api("GET", path, { signal: ctx.signal });
  return {
    title: role.name, up: [[null, "User Management"], ["/admin/roles", "Roles"]], actions: role.deleting ? badge("being deleted", "warn") : null,
    content: [tabs(ctx.path, [["permissions", "Permissions"], ["users", "Users"]], tab), tab === "users" ? await users(ctx, path, role) : await permissions(ctx, path, role)],
  };
}

async function permissions(ctx, path, role) {
  const servers = await serversOf(ctx);
  const of = (r, s) => r.permissions.find((p) => p.server.id === s.id)?.scopes ?? [];
  const fields = servers.map((s) => scopeChecks(s, { name: s.id, values: of(role, s), hint: s.identifier }));
  fields.forEach((f, i) => { f.of = (r) => of(r, servers[i]); });
  const f = form({
    label: "Permissions", record: { etag: role.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    fields: [text({ name: "description", label: "Description", value: role.description, of: (r) => r.description }), ...fields],
    onsave: async ({ description, ...chosen }, etag) => {
      const wanted = Object.entries(chosen).filter(([, scopes]) => scopes.length).map(([id, scopes]) => ({ server_id: id, scopes }));
      await api("PUT", path, { etag, body: { description, permissions: wanted } });
      toast("Saved. Tokens follow at their next refresh.");
      await ctx.reload();
    },
  });
  return [
    section("Permissions", role.system ? h("p", { class: "small muted" }, "This role is part of VetAssist itself; the API may refuse changes that would lock everybody out.") : null,
      servers.length ? null : empty("There is no MCP server whose scopes could be given.", link("/admin/servers/new", "Register one")), f.node),
    role.system ? null : dangers(act("Delete this role", "Whoever has it loses what only it permits.", button("Delete", () => remove(ctx, {
      path, etag: role.etag, what: `role ${role.name}`, then: "/admin/roles", consequences: "Users keep their other roles. Tokens follow at their next refresh.",
    }), "danger quiet"))),
  ];
}

async function users(ctx, path, role) {
  const member = (id) => `${path}/members/${seg(id)}`;
  const who = userPicker({ name: "user", label: "Add a user", hint: "Type how the username begins." });
  const adder = form({
    label: "Add a user to this role", fields: [who], action: "Add", onsave: async ({ user }) => {
      if (!user) {
        who.fail("Choose a user from the list.");
        return;
      }
      const added = who.item();
      await api("PUT", member(user));
      toast(`${added.username} has the role ${role.name} now.`);
      await ctx.reload();
    },
  });
  const members = await list(ctx, {
    path: `${path}/members`, caption: `Users with the role ${role.name}`, search: "Search members by username", empty: empty("Nobody has this role yet. Add the first user above."),
    columns: [...userColumns.slice(0, 2), {
      title: "Action", class: "last", cell: (u) => button("Remove", async () => {
        if (await ask({ title: `Take the role ${role.name} from ${u.username}?`, body: "Tokens follow at their next refresh.", action: "Remove" })) {
          await attempt(ctx, async () => {
            await api("DELETE", member(u.id));
            await ctx.reload();
          }, `${u.username} does not have the role ${role.name} any more.`);
        }
      }, "quiet slim"),
    }],
  });
  return [section("Add a user", adder.node), section("Users", members)];
}
