// User Management › Users: a new one.

import { all, api, seg } from "./api.js";
import { h } from "./dom.js";
import { checks, choice, form, text } from "./form.js";
import { draw } from "./router.js";
import { link, shown } from "./ui.js";

const up = [[null, "User Management"], ["/admin/users", "Users"]];

export async function userNewScreen(ctx) {
  const roles = await all("/roles", { signal: ctx.signal });
  const key = crypto.randomUUID();
  const password = text({ name: "password", label: "Password", type: "password", autocomplete: "new-password", hint: "At least 8 characters. Tell it to the user in a safe way." });
  const how = choice({
    name: "how", label: "Password", value: "made", onchange: () => { password.node.hidden = how.read() === "made"; },
    options: [{ value: "made", label: "Make one", hint: "It is shown once, after the user was created." }, { value: "typed", label: "I set it" }],
  });
  password.node.hidden = true;
  const f = form({
    label: "New user", action: "Create", cancel: () => ctx.go("/admin/users"),
    fields: [
      text({ name: "username", label: "Username", required: true, mono: true, placeholder: "bob" }),
      text({ name: "name", label: "Name", required: true, placeholder: "Bob Miller", hint: "As other people know them." }),
      checks({ name: "roles", label: "Roles", options: roles.map(roleOption), none: "There are no roles yet." }), how, password,
    ],
    onsave: async ({ username, name, roles: chosen, how: kind, password: typed }) => {
      const body = { username, name, roles: chosen, ...(kind === "typed" ? { password: typed } : {}) };
      const made = await api("POST", "/users", { body, key });
      if (made.password) {
        draw(once(made));
      } else {
        await ctx.go(`/admin/users/${seg(made.id)}`);
      }
    },
  });
  return { title: "New user", up, content: h("div", { class: "card part form" }, f.node) };
}

export function roleOption(r) {
  return { value: r.name, label: r.name, hint: r.description };
}

function once(user) {
  return {
    title: `${user.name} can log in now`, up, content: h("div", { class: "card part form" },
      shown("Username", user.username), shown("Password", user.password, "It is shown this once; only a hash of it is kept."),
      h("p", null, link(`/admin/users/${seg(user.id)}`, "Go on to the user", "button"))),
  };
}
