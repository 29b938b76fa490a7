// Lists: search by how something begins, a page at a time.

import { api } from "./api.js";
import { h, replace, wait } from "./dom.js";
import { explain } from "./trouble.js";
import { busy, table } from "./ui.js";

// list shows what GET path answers. search is the label of the search field, if there is one; empty is shown when there is
// nothing at all. The search is kept in the address, so the way back leads to it.
export async function list(ctx, { path, query = {}, caption, columns, search, empty, limit = 50, choose }) {
  const { node, body, row } = table(caption, columns);
  const status = h("p", { class: "small muted", role: "status" });
  const more = h("button", { type: "button", class: "quiet" }, "Load more");
  const foot = h("div", { class: "more" }, status, more);
  const box = h("div", { class: "scroll" });
  let next;
  let shown = 0;
  let prefix = search ? ctx.query.get("prefix") ?? "" : "";
  let picked = choose ? ctx.query.get(choose.name) ?? choose.options[0].value : undefined;
  let running = new AbortController();

  const load = async (fresh) => {
    running.abort();
    running = new AbortController();
    const signal = AbortSignal.any([running.signal, ctx.signal]);
    const choice = choose ? { [choose.name]: picked } : {};
    const page = await api("GET", path, { query: { ...query, ...choice, prefix, limit, cursor: fresh ? undefined : next }, signal });
    if (fresh) {
      body.replaceChildren();
      shown = 0;
    }
    body.append(...page.items.map(row));
    shown += page.items.length;
    next = page.next;
    more.hidden = !next;
    status.textContent = shown ? `${shown} shown${next ? ", there are more" : ""}` : `Nothing begins with “${prefix}”.`;
    replace(box, shown || prefix ? [shown ? node : null, foot] : empty);
  };
  const again = async () => {
    const url = new URL(location.href);
    for (const [name, value] of [["prefix", prefix], [choose?.name, picked]]) {
      if (name) {
        value && value !== choose?.options[0].value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
      }
    }
    history.replaceState(null, "", url);
    try {
      await load(true);
    } catch (error) {
      if (error.name !== "AbortError") {
        replace(box, explain(error));
      }
    }
  };
  more.addEventListener("click", () => busy(more, async () => {
    const last = body.lastElementChild;
    try {
      await load(false);
      last?.nextElementSibling?.querySelector("a, button")?.focus(); // on the first one that came
    } catch (error) {
      replace(box, explain(error));
    }
  }));
  await load(true);
  return h("div", { class: "list-box" }, search || choose ? h("div", { class: "tools" }, search ? searchField(search, prefix, (text) => { prefix = text; again(); }) : null,
    choose ? chooser(choose, picked, (value) => { picked = value; again(); }) : null) : null, box);
}

function searchField(label, value, onsearch) {
  const later = wait(onsearch);
  return h("label", { class: "search" }, h("span", { class: "hidden" }, label),
    h("input", { type: "search", value, placeholder: label, autocomplete: "off", spellcheck: "false", oninput: (event) => later(event.target.value.trim()) }));
}

function chooser({ label, options }, value, onchoose) {
  return h("label", { class: "chooser" }, h("span", null, label),
    h("select", { value, onchange: (event) => onchoose(event.target.value) }, options.map((o) => h("option", { value: o.value, selected: o.value === value }, o.label))));
}
