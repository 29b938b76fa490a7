// Applications: the list.

import { seg } from "./api.js";
import { badge, code, when } from "./dom.js";
import { list } from "./list.js";
import { empty, link } from "./ui.js";

export async function applicationsScreen(ctx) {
  return {
    title: "Applications", intro: "Who may ask for tokens: clients registered here, and clients that registered themselves.",
    actions: link("/admin/applications/new", "New Application", "button"),
    content: await list(ctx, {
      path: "/applications", caption: "Applications", search: "Search applications by how they begin",
      choose: { name: "sort", label: "by", options: [{ value: "name", label: "name" }, { value: "id", label: "client id" }] },
      empty: empty("There are no applications yet.", link("/admin/applications/new", "Register the MCP client application")),
      columns: [
        { title: "Name", cell: (a) => [link(`/admin/applications/${seg(a.id)}`, a.name, "name"), a.disabled ? badge("disabled", "bad") : null, a.deleting ? badge("being deleted", "warn") : null] },
        { title: "Client id", class: "long", cell: (a) => code(a.client_id) },
        { title: "Template", cell: (a) => a.template || "–" },
        { title: "From", cell: (a) => source(a.source) },
        { title: "Created", cell: (a) => when(a.created) },
      ],
    }),
  };
}

export function source(from) {
  return badge(from === "admin" ? "an administrator" : from, from === "admin" ? "" : "warn");
}
