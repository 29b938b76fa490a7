// Deleting. What is in use is not deleted before the administrator has seen by what.

import { api } from "./api.js";
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { attempt } from "./trouble.js";
import { link, toast } from "./ui.js";

const screens = { role: "/admin/roles/", user: "/admin/users/", application: "/admin/applications/", client: "/admin/applications/", server: "/admin/servers/" };

// remove deletes a record and goes to the screen then. It returns whether it did.
export async function remove(ctx, { path, etag, what, consequences, typed, then }) {
  if (!(await ask({ title: `Delete ${what}?`, body: consequences, action: "Delete", typed }))) {
    return false;
  }
  return attempt(ctx, async () => {
    try {
      await drop(path, etag);
    } catch (error) {
      if (error.status !== 409 || !error.uses.length) {
        throw error;
      }
      if (!(await ask({ title: `${what} is in use`, body: uses(error), action: "Delete, and remove it there too" }))) {
        return false;
      }
      await drop(path, etag, { cascade: true });
    }
    toast(`Deleted ${what}.`);
    await ctx.go(then);
    return true;
  });
}

// drop deletes. A record that very much hangs on takes several requests; each does a part.
async function drop(path, etag, query) {
  for (let round = 1; ; round += 1) {
    try {
      return await api("DELETE", path, { etag, query });
    } catch (error) {
      if (error.type !== "problem:unfinished" || round === 100) {
        throw error;
      }
      etag = (await api("GET", path)).etag;
    }
  }
}

// uses lists what uses a thing.
export function uses(error) {
  return [h("p", null, error.message),
    h("ul", { class: "uses" }, error.uses.map((u) => h("li", null, h("span", { class: "muted" }, `${u.kind} `), screens[u.kind] ? link(screens[u.kind] + encodeURIComponent(u.id), u.name || u.id) : u.name || u.id)),
      error.more ? h("li", { class: "muted" }, "and more") : null)];
}
