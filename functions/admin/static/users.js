// User Management › Users: the list.

import { seg } from "./api.js";
import { badge, when } from "./dom.js";
import { list } from "./list.js";
import { empty, link } from "./ui.js";

export async function usersScreen(ctx) {
  return {
    title: "Users", up: [[null, "User Management"]],
    actions: link("/admin/users/new", "New user", "button"),
    content: await list(ctx, {
      path: "/users", caption: "Users", search: "Search users by how they begin",
      choose: { name: "sort", label: "by", options: [{ value: "username", label: "username" }, { value: "name", label: "name" }] },
      empty: empty("There are no users.", link("/admin/users/new", "Add one")), columns: userColumns,
    }),
  };
}

export const userColumns = [
  { title: "Username", cell: (u) => [link(`/admin/users/${seg(u.id)}`, u.username, "name"), ...states(u)] },
  { title: "Name", cell: (u) => u.name },
  { title: "Roles", cell: (u) => u.roles.map((r) => [badge(r), " "]) },
  { title: "Created", cell: (u) => when(u.created) },
];

// states are badges of what is out of the ordinary.
export function states(u) {
  return [u.disabled ? badge("disabled", "bad") : null, u.locked_until ? badge("locked", "warn") : null, u.deleting ? badge("being deleted", "warn") : null];
}
