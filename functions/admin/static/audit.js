// Audit log: newest first, filtered, and followed while one looks at it.

import { api, seg, send } from "./api.js";
import { follow } from "./audit-follow.js";
import { badge, code, h, replace, when } from "./dom.js";
import { select, text } from "./form.js";
import { applicationPicker, userPicker } from "./pick.js";
import { attempt } from "./trouble.js";
import { busy, button, empty, link, table, toast } from "./ui.js";

const filters = ["event", "outcome", "user_id", "client_id"];
const limit = 50;
const most = 2000; // rows; the oldest go when following brings more
const maxPages = 100; // that are asked for one after the other while few of what they look at fits: each looks at some fifteen hundred events, or sixteen days

export async function auditScreen(ctx) {
  const query = Object.fromEntries(filters.map((name) => [name, ctx.query.get(name) ?? ""]));
  const names = await nameBook(ctx);
  const events = new Set(); // to choose from: those that were seen
  const seen = new Set();
  const { node, body, row } = table("Events, newest first", columns(names));
  const status = h("p", { class: "small muted", role: "status" });
  const older = h("button", { type: "button", class: "quiet", hidden: true }, "Load older");
  const nothing = empty("Nothing has happened that fits.", link("/admin/audit", "Show everything"));
  const options = h("datalist", { id: "events" });
  let next;

  const take = (items, news) => {
    const fresh = items.filter((e) => !seen.has(e.id));
    fresh.forEach((e) => { seen.add(e.id); events.add(e.event); });
    fresh.forEach((e) => place(body, row(e), e.id, news));
    if (body.children.length > most) {
      [...body.children].slice(most).forEach((r) => r.remove());
      next = undefined;
      older.hidden = true;
    }
    replace(options, [...events].sort().map((value) => h("option", { value })));
    node.hidden = !seen.size;
    nothing.hidden = Boolean(seen.size || next);
    const found = seen.size ? `${body.children.length} shown` : "nothing found so far";
    status.textContent = next ? `${found}, there are older ones` : seen.size ? found : "";
  };
  const page = async (cursor) => {
    const answer = await api("GET", "/audit", { query: { ...query, limit, cursor }, signal: ctx.signal });
    next = answer.next;
    older.hidden = !next;
    return answer.items;
  };
  const more = async (enough) => {
    for (let i = 0; i < maxPages && next && seen.size < enough; i += 1) { // a page may hold little that fits, even nothing, and still have a next one
      take(await page(next), false);
    }
  };
  older.addEventListener("click", () => busy(older, () => attempt(ctx, async () => {
    const last = body.lastElementChild;
    await more(seen.size + limit);
    last?.nextElementSibling?.querySelector("summary, a")?.focus();
  })));
  const begin = await page();
  take(begin, false);
  const follower = follow(ctx, query, begin.length ? Date.parse(begin[0].time) : 0, (items) => take(items, true));
  const form = await filterForm(ctx, query, options);
  busy(older, () => attempt(ctx, () => more(limit))); // for which nobody has to wait
  return {
    title: "Audit log", actions: [follower.node, button("Export", () => exported(ctx, query), "quiet")],
    content: [form, h("div", { class: "audit scroll" }, node, nothing, h("div", { class: "more" }, status, older))],
  };
}

// place puts a row where its id belongs: ids sort by time, and one that was written with a change may come late.
function place(body, row, id, news) {
  row.dataset.id = id;
  row.classList.toggle("fresh", news);
  const after = news ? [...body.children].find((r) => r.dataset.id < id) : null;
  body.insertBefore(row, after ?? null);
}

// nameBook knows the names of the first users; the log itself holds ids, which outlive the names.
async function nameBook(ctx) {
  const get = (path, id, name) => api("GET", path, { query: { limit: 200 }, signal: ctx.signal }).then((p) => new Map(p.items.map((i) => [i[id], i[name]])));
  const users = await get("/users", "id", "username");
  return { user: (id) => users.get(id) ?? id };
}

function columns(names) {
  return [
    { title: "Time", class: "time", cell: (e) => when(e.time, true) },
    { title: "Event", cell: (e) => [h("strong", null, e.event), " ", badge(e.outcome, e.outcome === "ok" ? "good" : "bad")] },
    { title: "User", cell: (e) => (e.user_id ? link(`/admin/users/${seg(e.user_id)}`, names.user(e.user_id)) : "–") },
    { title: "Application", cell: (e) => (e.client_id ? [link(`/admin/applications/${seg(e.client_id)}`, e.client_name || e.client_id), e.client_url ? h("span", { class: "small muted block" }, e.client_url) : null] : "–") },
    { title: "From", cell: (e) => (e.from ? code(e.from) : "–") },
    { title: "Details", cell: details },
  ];
}

function details(e) {
  const rows = [...Object.entries(e.details ?? {}), ["request id", e.request_id], ["event id", e.id]].filter(([, value]) => value);
  const first = Object.entries(e.details ?? {}).filter(([name, value]) => value && name !== "grant").map(([name, value]) => `${name}: ${value}`).join(", ");
  return h("details", null, h("summary", null, first.length > 60 ? `${first.slice(0, 60)}…` : first || "more"),
    h("dl", { class: "facts" }, rows.map(([name, value]) => [h("dt", null, name), h("dd", null, value)])));
}

async function filterForm(ctx, query, options) {
  const known = async (path, id) => (id ? api("GET", path + seg(id), { signal: ctx.signal }) : null);
  const [user, application] = await Promise.all([known("/users/", query.user_id), known("/applications/", query.client_id)]);
  const change = (name, value) => {
    const url = new URLSearchParams(Object.entries({ ...query, [name]: value }).filter(([, v]) => v));
    ctx.go(`/admin/audit${url.size ? `?${url}` : ""}`);
  };
  const event = text({ name: "event", label: "Event", value: query.event, placeholder: "any" });
  event.control.setAttribute("list", "events");
  event.control.addEventListener("change", () => change("event", event.read()));
  const outcome = select({ name: "outcome", label: "Outcome", value: query.outcome, onchange: () => change("outcome", outcome.read()), options: [{ value: "", label: "any" }, { value: "ok", label: "ok" }, { value: "refused", label: "refused" }] });
  const pick = (name, key) => ({ name, onpick: (item) => { if (item || query[name]) { change(name, item?.[key] ?? ""); } } });
  return h("div", { class: "filters card", role: "group", "aria-label": "Filter" }, event.node, options, outcome.node,
    userPicker({ ...pick("user_id", "id"), value: user }).node, applicationPicker({ ...pick("client_id", "id"), value: application }).node,
    Object.values(query).some(Boolean) ? link("/admin/audit", "Show everything", "button quiet slim") : null);
}

// exported downloads the whole log with these filters. A link could not carry the token, so the file is fetched first.
async function exported(ctx, query) {
  await attempt(ctx, async () => {
    const parts = [];
    let cursor;
    do {
      const response = await send("GET", "/audit/export", { query: { ...query, cursor }, signal: ctx.signal });
      parts.push(await response.blob());
      const next = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "");
      cursor = next && new URL(next[1]).searchParams.get("cursor");
    } while (cursor);
    const url = URL.createObjectURL(new Blob(parts, { type: "application/jsonl" }));
    h("a", { href: url, download: `vetassist-audit-${new Date().toISOString().slice(0, 10)}.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    toast("The log is in your downloads, as JSON lines.");
  });
}
