// User Management › Roles: the list, and a new one.

import { api, seg } from "./api.js";
import { badge, code, h } from "./dom.js";
import { form, text } from "./form.js";
import { list } from "./list.js";
import { empty, link, toast } from "./ui.js";

export async function rolesScreen(ctx) {
  return {
    title: "Roles", up: [[null, "User Management"]],
    intro: "A role says which scopes its users may give to an application. No consent goes beyond it.",
    actions: link("/admin/roles/new", "New role", "button"),
    content: await list(ctx, {
      path: "/roles", caption: "Roles", empty: empty("There are no roles yet.", link("/admin/roles/new", "Define the first one")),
      columns: [
        { title: "Role", cell: (r) => [link(`/admin/roles/${seg(r.name)}`, r.name, "name"), r.system ? badge("VetAssist itself") : null, r.deleting ? badge("being deleted", "warn") : null] },
        { title: "Description", cell: (r) => r.description },
        { title: "Permissions", cell: (r) => (r.permissions.length ? h("span", { class: "codes" }, r.permissions.flatMap((p) => p.scopes.map((s) => [code(s), " "]))) : h("span", { class: "muted" }, "none")) },
      ],
    }),
  };
}

export async function roleNewScreen(ctx) {
  const key = crypto.randomUUID();
  const f = form({
    label: "New role", action: "Create", cancel: () => ctx.go("/admin/roles"),
    fields: [
      text({ name: "name", label: "Role name", required: true, placeholder: "Pet Owner", hint: "Never changes." }),
      text({ name: "description", label: "Description", placeholder: "Standard consumer role, given to every customer" }),
    ],
    onsave: async (values) => {
      const made = await api("POST", "/roles", { body: { ...values, permissions: [] }, key });
      toast(`Created ${made.name}. Now give it permissions.`);
      await ctx.go(`/admin/roles/${seg(made.name)}`);
    },
  });
  return { title: "New role", up: [[null, "User Management"], ["/admin/roles", "Roles"]], content: h("div", { class: "card part form" }, f.node) };
}
