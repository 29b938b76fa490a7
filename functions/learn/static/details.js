// What is behind a step: the messages as they were sent, the tokens in them, the rule, the decision, and how to repeat it.

import { h, newID, replace } from "./elements.js";
import { titleOf } from "./words.js";

const records = new Map(); // by address; a record never changes
const mostKept = 200;

// details shows a step in a sheet. close and move are for its buttons.
export async function details(sheet, flow, step, { close, move }) {
  const address = `/flow/api/flows/${flow.id}/records/${step.record}`;
  let record = records.get(address);
  if (!record) {
    sheet.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(address, { credentials: "same-origin" });
      if (!response.ok) {
        throw new Error((await response.json().catch(() => ({}))).message ?? "It could not be read. Please try again.");
      }
      record = await response.json();
      if (records.size >= mostKept) {
        records.clear();
      }
      records.set(address, record);
    } catch (error) {
      replace(sheet, head(flow, step, close, move), h("p", { class: "notice warn" }, error.message));
      return;
    } finally {
      sheet.removeAttribute("aria-busy");
    }
  }
  const decision = step.kind === "note" ? record.decisions[Number(step.part.split(":")[1])] : null;
  const box = sheet.querySelector(".flow-sheet");
  replace(sheet, head(flow, step, close, move), h("div", { class: "flow-sheet" }, decision ? decided(decision) : null, rules(decision ? decision.rules : about(record.rules, step.part)), exchange(record, step, flow, decision), tokens(record),
    record.decisions.length && !decision ? section("Decided meanwhile", record.decisions.map((d) => h("details", { class: "flow-part" }, h("summary", null, d.label), decided(d, true)))) : null, curl(record)));
  sheet.dataset.step = step.anchor;
  if (box) {
    sheet.querySelector(".flow-sheet").scrollTop = 0;
  }
}

function head(flow, step, close, move) {
  const button = (label, sign, onclick) => h("button", { type: "button", class: "quiet flow-slim", "aria-label": label, title: label, onclick }, sign);
  const at = flow.steps.findIndex((s) => s.anchor === step.anchor);
  const way = step.kind === "note" ? `Decision at ${titleOf(flow, step.from)}` : `${titleOf(flow, step.from)} ${step.dashed ? "⇢" : "→"} ${titleOf(flow, step.to)}`;
  return h("header", { class: "flow-sheet-head" },
    h("div", { class: "flow-sheet-bar" }, h("p", { class: "small muted" }, step.kind === "note" ? "" : `${step.n}. `, way),
      h("span", { class: "flow-buttons" }, at > 0 ? button("Previous step", "‹", () => move(-1)) : null, at < flow.steps.length - 1 ? button("Next step", "›", () => move(1)) : null, button("Close", "✕", close))),
    h("h2", { tabindex: "-1", class: step.failed ? "flow-bad" : null }, step.failed ? "✕ " : null, step.label));
}

function section(title, ...content) {
  const id = newID("flow-section");
  return h("section", { class: "flow-section", "aria-labelledby": id }, h("h3", { id }, title), content);
}

const shownRules = 2;

// about puts the rules that a request shows first at a request, and those that an answer shows at an answer.
function about(all, part) {
  const far = (rule) => (!rule.about ? 1 : rule.about === part ? 0 : 2);
  return all.toSorted((a, b) => far(a) - far(b));
}

// rules come with the one that the step is most about first; the rest can be opened.
function rules(list) {
  if (!list?.length) {
    return null;
  }
  const all = list.map((r) => h("blockquote", { class: "flow-rule" },
    h("p", null, r.title ? h("strong", null, r.title, /[.?!]$/.test(r.title) ? " " : ". ") : null, r.sentence), h("p", { class: "small" }, h("a", { href: r.url, rel: "noreferrer", target: "_blank" }, r.source))));
  const more = all.slice(shownRules);
  return section(all.length === 1 ? "The rule" : "The rules", all.slice(0, shownRules),
    more.length ? h("details", { class: "flow-more" }, h("summary", null, `${more.length} more`), more) : null);
}

const outcomes = { allowed: ["done", "✓ allowed"], refused: ["refused", "✕ refused"], asked: ["waiting", "? not yet"] };

function decided(d, within = false) {
  const [tone, words] = outcomes[d.outcome] ?? ["waiting", d.outcome];
  return h("div", { class: "flow-decided" },
    h("p", { class: "flow-verdict" }, h("span", { class: `flow-outcome ${tone}` }, words), " ", d.text),
    d.compared?.length ? scrolled("What was compared", h("table", { class: "flow-table flow-compared" }, h("caption", { class: within ? "flow-hidden" : null }, "What was compared"),
      h("thead", null, h("tr", null, ["", "Wanted", "Got", "Fits"].map((t) => h("th", { scope: "col" }, t || h("span", { class: "flow-hidden" }, "What"))))),
      h("tbody", null, d.compared.map((c) => h("tr", { class: c.ok ? null : "flow-failed" }, h("th", { scope: "row" }, c.what), h("td", null, h("code", null, c.wanted || "–")), h("td", null, h("code", null, c.got || "–")), h("td", null, tick(c.ok))))))) : null,
    d.sets ? sets(d.sets) : null);
}

function tick(ok) {
  return ok ? h("span", { class: "flow-yes" }, "✓", h("span", { class: "flow-hidden" }, " yes")) : h("span", { class: "flow-no" }, "✕", h("span", { class: "flow-hidden" }, " no"));
}

const columns = [["requested", "Requested"], ["client", "Client"], ["role", "Role"], ["consent", "Consent"], ["granted", "Granted"]];

const identity = ["openid", "profile", "email", "offline_access"]; // outside the formula

// sets is the formula, scope by scope.
function sets(s) {
  const scopes = [...new Set(columns.slice(0, 1).concat(columns.slice(4)).flatMap(([name]) => s[name] ?? []))];
  const others = [...new Set(columns.flatMap(([name]) => s[name] ?? []))].filter((scope) => !scopes.includes(scope) && !identity.includes(scope));
  const row = (scope) => h("tr", { class: scopes.includes(scope) ? null : "flow-unasked" }, h("th", { scope: "row" }, h("code", null, scope)), columns.map(([name]) => h("td", { class: name === "granted" ? "flow-granted" : null }, tick((s[name] ?? []).includes(scope)))));
  return [scrolled("The four sets", h("table", { class: "flow-table flow-sets" }, h("caption", null, "The four sets, and what is in all of them"),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Scope"), columns.map(([, title]) => h("th", { scope: "col" }, title)))),
    h("tbody", null, [...scopes, ...others].map(row)))), h("p", { class: "small muted" }, "granted = requested ∩ client ∩ role ∩ consent")];
}

// scrolled lets a wide table scroll, also by keyboard.
function scrolled(label, table) {
  return h("div", { class: "flow-wide", role: "region", "aria-label": label, tabindex: "0" }, table);
}

function exchange(record, step, flow, decision) {
  const took = `${record.ms < 10 ? record.ms.toFixed(1) : Math.round(record.ms)} ms`;
  const about = [decision ? `${record.from} → ${record.to}` : null, took, record.person, record.client ? ["client ", h("code", null, record.client)] : null].filter(Boolean);
  return section("As it was sent",
    h("p", { class: "small muted" }, about.map((a, i) => [i ? " · " : null, a])),
    message("Request", record.request, !decision && step.part === "request", h("span", null, h("b", null, record.request.method), " ", address(record.request.url))),
    record.response.status ? message("Response", record.response, !decision && step.part === "response", h("b", null, String(record.response.status))) : h("p", { class: "flow-part" }, h("b", null, "Response"), ": there was none."),
    h("p", { class: "small muted" }, "Secrets are shortened: “…” stands for the rest of one."));
}

// address shows path and parameters, each on a line of its own.
function address(url) {
  const [path, query] = url.split(/\?(.*)/s);
  return query ? [path, query.split("&").map((pair, i) => [h("br"), i ? "&" : "?", pair])] : path;
}

function message(title, m, open, first) {
  return h("details", { class: "flow-part", open },
    h("summary", null, title, " ", h("span", { class: "flow-first" }, title === "Request" ? m.method : String(m.status), m.type ? ` · ${m.type}` : "")),
    scrolledPre(title, [first, "\n", (m.headers ?? []).map((x) => [h("span", { class: "flow-header" }, x.name), `: ${x.value}\n`]), m.body ? ["\n", body(m)] : null]),
    m.cut ? h("p", { class: "small muted" }, `This is the beginning of ${m.size} bytes.`) : null);
}

function scrolledPre(label, content) {
  return h("pre", { tabindex: "0", role: "region", "aria-label": label }, content);
}

function body(m) {
  if (m.type?.endsWith("json")) {
    try {
      return JSON.stringify(JSON.parse(m.body), null, 2);
    } catch { /* only its beginning was kept */ }
  }
  if (m.type === "application/x-www-form-urlencoded") {
    return m.body.split("&").join("\n&");
  }
  return m.body;
}

function tokens(record) {
  const all = [...record.request.tokens.map((t) => [t, "request"]), ...record.response.tokens.map((t) => [t, "response"])];
  return all.map(([t, part]) => section(`Token in the ${part}: ${t.where}`, scrolled(`Claims of ${t.where}`, h("table", { class: "flow-table flow-claims" }, h("caption", { class: "flow-hidden" }, `Claims of ${t.where}`),
    h("thead", null, h("tr", null, ["Name", "Value", "Meaning"].map((c) => h("th", { scope: "col" }, c)))),
    h("tbody", null, t.claims.map((c) => h("tr", null, h("th", { scope: "row" }, h("code", null, c.name), c.part === "header" ? h("span", { class: "small muted block" }, "header") : null),
      h("td", null, h("code", null, c.value), c.time ? h("span", { class: "small muted block" }, c.time) : null), h("td", null, c.meaning))))))));
}

function curl(record) {
  const copy = h("button", { type: "button", class: "quiet flow-slim" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(record.curl);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Please select it instead";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  return h("section", { class: "flow-section flow-curl" }, h("h3", null, "Repeat it"), scrolledPre("Command", record.curl), h("p", null, copy));
}
