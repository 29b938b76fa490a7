// Sessions and consents: what is open, by user or by application. The lists are parts of the screens of one user and of one
// application too.

import { api, seg } from "./api.js";
import { ask } from "./dialog.js";
import { code, h, replace, when } from "./dom.js";
import { list } from "./list.js";
import { applicationPicker, userPicker } from "./pick.js";
import { attempt } from "./trouble.js";
import { button, empty, link, section, tabs, toast } from "./ui.js";

export async function accessScreen(ctx) {
  const tab = ctx.query.get("tab") === "application" ? "application" : "user";
  const param = tab === "user" ? "user_id" : "client_id";
  const id = ctx.query.get(param);
  const path = tab === "user" ? "/users/" : "/applications/";
  const value = id ? await api("GET", path + seg(id), { signal: ctx.signal }) : null;
  const field = (tab === "user" ? userPicker : applicationPicker)({
    name: param, value, hint: "Type how the name begins.",
    onpick: (item) => { if (item) { ctx.go(`/admin/access?tab=${tab}&${param}=${seg(item.id)}`); } },
  });
  const of = { [param]: id };
  return {
    title: "Sessions and consents", intro: "What is open in somebody's name, and how to end it.",
    content: [
      tabs("/admin/access", [["user", "By user"], ["application", "By application"]], tab),
      h("div", { class: "card part form" }, field.node),
      ...(value ? [
        tab === "user" ? section("Sessions", await sessions(ctx, of)) : null,
        section("Consents", await consents(ctx, of)),
        section("Grants", await grants(ctx, of)),
      ] : [empty(tab === "user" ? "Choose a user to see their sessions, consents and grants." : "Choose an application to see who allowed it what.")]),
    ],
  };
}

const user = { title: "User", cell: (c) => link(`/admin/users/${seg(c.user_id)}`, c.username || c.user_id) };
const application = { title: "Application", cell: (c) => link(`/admin/applications/${seg(c.application_id)}`, c.client_name || c.client_id) };
const server = { title: "Server", cell: (c) => c.server.name || c.server.identifier };
const scopes = { title: "Scopes", cell: (c) => h("span", { class: "codes" }, c.scopes.map((s) => [code(s), " "])) };

// consents lists what users allowed. of: {user_id} or {client_id}.
export function consents(ctx, of) {
  return list(ctx, {
    path: "/consents", query: of, caption: "Consents", empty: empty("Nothing has been allowed."),
    columns: [of.user_id ? application : user, server, scopes, { title: "Since", cell: (c) => when(c.since) }, { title: "Changed", cell: (c) => when(c.changed) },
      end(ctx, "Revoke", (c) => ({
        path: `/consents/${seg(c.id)}`, title: "Revoke this consent?",
        body: `${c.client_name} loses what ${c.username} allowed it at ${c.server.name}. It has to ask again.`,
      }))],
  });
}

// grants lists what applications hold: what they can refresh, and what a trusted issuer gave them.
export function grants(ctx, of) {
  return list(ctx, {
    path: "/grants", query: of, caption: "Grants", empty: empty("No application holds anything."),
    columns: [of.user_id ? application : user, server, scopes, { title: "Since", cell: (g) => [when(g.since), g.vouched_by ? h("span", { class: "small muted block" }, link(`/admin/trust/issuers/${seg(g.vouched_by)}`, "vouched for")) : null] }, { title: "Last used", cell: (g) => when(g.last_used) }, { title: "Ends", cell: (g) => when(g.ends) },
      end(ctx, "End", (g) => ({
        path: `/grants/${seg(g.id)}`, title: "End this grant?",
        body: g.vouched_by ? `${g.client_name} has it by the word of a trusted issuer, and may get another one so.` : `${g.client_name} cannot refresh its token any more. The consent stays, so it may get another grant without asking.`,
      }))],
  });
}

// sessions lists the browsers in which a user is logged in.
export function sessions(ctx, of) {
  return list(ctx, {
    path: "/sessions", query: of, caption: "Sessions", empty: empty("Logged in nowhere."),
    columns: [{ title: "Browser", cell: (s) => h("span", { title: s.agent }, browserOf(s.agent)) }, { title: "From", cell: (s) => (s.from ? code(s.from) : "–") },
      { title: "By", cell: (s) => s.method || "–" }, { title: "Since", cell: (s) => when(s.since) }, { title: "Until", cell: (s) => when(s.expires) },
      end(ctx, "End", (s) => ({ path: `/sessions/${seg(s.id)}`, title: "End this session?", body: "Whoever sits at that browser has to log in again." }))],
  });
}

// passkeys lists what a user can log in with besides the password. path is the user's.
export function passkeys(ctx, path) {
  return list(ctx, {
    path: `${path}/passkeys`, caption: "Passkeys", empty: empty("This user has no passkey."),
    columns: [{ title: "Name", cell: (p) => p.name }, { title: "Added", cell: (p) => when(p.created) }, { title: "Last used", cell: (p) => when(p.last_used) },
      end(ctx, "Remove", (p) => ({ path: `${path}/passkeys/${seg(p.id)}`, title: `Remove the passkey ${p.name}?`, body: "Nobody can log in with it any more. Where it was used already, that login goes on." }))],
  });
}

// browserOf reads the name out of a User-Agent header; more of it is in the title.
function browserOf(agent = "") {
  const found = [["Edg/", "Edge"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]].find(([part]) => agent.includes(part));
  const system = ["Windows", "Android", "iPhone", "iPad", "Mac OS", "Linux"].find((s) => agent.includes(s));
  return [found?.[1] ?? (agent.slice(0, 40) || "unknown"), system].filter(Boolean).join(" on ");
}

// end is the column with the button that ends an item, and takes its row away then. What the API notes about it stays.
function end(ctx, text, of) {
  return {
    title: "Action", class: "last", cell: (item) => {
      const b = button(text, async () => {
        const { path, title, body } = of(item);
        if (!(await ask({ title, body, action: text }))) {
          return;
        }
        await attempt(ctx, async () => {
          const answer = await api("DELETE", path);
          const row = b.closest("tr");
          replace(row, h("td", { role: "cell", colspan: String(row.children.length), class: "ended" }, `Ended. ${answer?.note ?? ""}`));
          toast(`Ended. ${answer?.note ?? ""}`);
        });
      }, "quiet slim");
      return b;
    },
  };
}
