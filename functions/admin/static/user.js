// One user: who they are, what they may, and what is open in their name.

import { all, api, seg } from "./api.js";
import { consents, grants, passkeys, sessions } from "./access.js";
import { ask, formDialog } from "./dialog.js";
import { code, count, h, when } from "./dom.js";
import { checks, form, text } from "./form.js";
import { remove } from "./remove.js";
import { attempt } from "./trouble.js";
import { act, button, dangers, facts, link, section, toast } from "./ui.js";
import { roleOption } from "./user-new.js";
import { states } from "./users.js";

export async function userScreen(ctx) {
  const path = `/users/${seg(ctx.params.id)}`;
  const [user, roles] = await Promise.all([api("GET", path, { signal: ctx.signal }), all("/roles", { signal: ctx.signal })]);
  const of = { user_id: user.id };
  const [open, keys, agreed, given] = await Promise.all([sessions(ctx, of), passkeys(ctx, path), consents(ctx, of), grants(ctx, of)]);
  const details = form({
    label: "Details", record: { etag: user.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    fields: [
      text({ name: "name", label: "Name", required: true, value: user.name, of: (u) => u.name }),
      text({ name: "username", label: "Username", required: true, mono: true, value: user.username, of: (u) => u.username }),
      checks({ name: "roles", label: "Roles", values: user.roles, of: (u) => u.roles, options: roles.map(roleOption), hint: "Tokens follow at their next refresh." }),
    ],
    onsave: async (values, etag) => {
      await api("PATCH", path, { etag, body: values });
      toast("Saved.");
      await ctx.reload();
    },
  });
  return {
    title: user.name, up: [[null, "User Management"], ["/admin/users", "Users"]], actions: states(user),
    content: [
      section("Details", facts([["User id", code(user.id)], ["Created", when(user.created)], user.locked_until ? ["Locked until", when(user.locked_until), " after too many wrong passwords"] : null]), details.node),
      login(ctx, path, user),
      section("Sessions", h("p", { class: "small muted" }, "Browsers in which this user is logged in."), open),
      section("Passkeys", h("p", { class: "small muted" }, "A new password does not take them away."), keys),
      section("Consents", h("p", { class: "small muted" }, "What this user allowed applications."), agreed),
      section("Grants", h("p", { class: "small muted" }, "Applications that can refresh a token in this user's name."), given),
      h("p", null, link(`/admin/audit?user_id=${seg(user.id)}`, "This user in the audit log"), " · ", link(`/admin/why?user_id=${seg(user.id)}`, "Why may this user do what?")),
      dangers(
        user.disabled
          ? act("Enable", "Lets this user log in again.", button("Enable", () => patch(ctx, path, user, { disabled: false }, `${user.name} can log in again.`)))
          : act("Disable", "Nobody can log in as this user, and nothing is refreshed, until you enable it again.", button("Disable", async () => {
            if (await ask({ title: `Disable ${user.name}?`, body: "What is open ends. Access tokens that were given out last up to ten minutes more.", action: "Disable" })) {
              await patch(ctx, path, user, { disabled: true }, `${user.name} is disabled.`);
            }
          }, "danger quiet")),
        act("Delete", "Removes this user with all sessions, consents and grants.", button("Delete", () => remove(ctx, {
          path, etag: user.etag, what: user.username, typed: user.username, then: "/admin/users",
          consequences: "The user, their sessions, consents and grants are deleted. This cannot be undone.",
        }), "danger quiet"))),
    ],
  };
}

function login(ctx, path, user) {
  return section("Login", h("ul", { class: "plain rows" },
    user.locked_until ? act("Unlock", "Ends the wait after too many wrong passwords.", button("Unlock", async () => {
      await attempt(ctx, () => api("POST", `${path}/unlock`), `${user.username} can try again.`);
      await ctx.reload();
    })) : null,
    act("Password", "A new password signs the user out everywhere.", button("Set password", () => formDialog({
      title: `Password of ${user.username}`, intro: "It ends every session and grant of this user.",
      fields: [text({ name: "password", label: "New password", type: "password", required: true, autocomplete: "new-password" })],
      onsave: async (values) => {
        await api("PUT", `${path}/password`, { body: values });
        toast("The new password holds from now on.");
        await ctx.reload();
      },
    }))),
    act("Sign out everywhere", "Ends every session and every application's access.", button("Sign out", async () => {
      if (!(await ask({ title: `Sign ${user.username} out everywhere?`, body: "The user has to log in again, and applications have to ask again.", action: "Sign out" }))) {
        return;
      }
      const ended = await attempt(ctx, () => api("POST", `${path}/sign-out`));
      if (ended) {
        toast(`Ended ${count(ended.logins, "session")} and ${count(ended.grants, "grant")}. ${ended.note ?? ""}`);
        await ctx.reload();
      }
    }))));
}

async function patch(ctx, path, user, body, done) {
  await attempt(ctx, async () => {
    await api("PATCH", path, { etag: user.etag, body });
    await ctx.reload();
  }, done);
}
