// The picture of an answer: each scope is a line that runs through the four sets, and stops at the first that lacks it. It is
// one table for eyes and ears; what the eyes see is drawn into its cells.

import { seg } from "./api.js";
import { badge, code, count, h, svg } from "./dom.js";
import { link } from "./ui.js";

// The sets in the order of the formula.
const sets = [
  { id: "requested", title: "Requested", lacks: "it was not asked for" },
  { id: "client", title: "Application", lacks: "the application is not authorized for it", lacksBoth: "the agent or the application is not authorized for it" },
  { id: "role", title: "Role", lacks: "none of the user's roles permits it" },
  { id: "consent", title: "Consent", lacks: "the user has not consented to it", lacksVouched: "it cannot be vouched for" },
];

export function picture(why, server) {
  const { roles } = why.user ?? why.application;
  const verdicts = new Map(why.verdicts.map((v) => [v.scope, v]));
  const names = [...new Set([...why.sets.requested, ...server.scopes.map((s) => s.name)])];
  const title = (scope) => server.scopes.find((s) => s.name === scope)?.title;
  const th = (text, note) => h("th", { role: "columnheader", scope: "col" }, text, note === undefined ? null : h("span", { class: "small muted block" }, note));
  return [
    why.blocked?.map((reason) => h("p", { class: "notice warn" }, `${reason} So no token is given at all.`)),
    h("p", null, why.granted.length ? ["A token gets ", h("span", { class: "codes" }, why.granted.map((s) => [code(s), " "]))] : h("strong", null, "No token is given: nothing is left in all four sets.")),
    why.via ? h("p", { class: "small" }, "It gets part of a token that ", link(`/admin/applications/${seg(why.via.id)}`, why.via.name), " hands over: what both are authorized for, and the user allowed that one.") : null,
    why.vouched_by ? h("p", { class: "small" }, "The word of ", link(`/admin/trust/issuers/${seg(why.vouched_by.id)}`, why.vouched_by.name), " stands for the user's consent, if it names no scopes of its own.") : null,
    h("p", { class: "small" }, "Roles of ", why.user ? link(`/admin/users/${seg(why.user.id)}`, why.user.username) : link(`/admin/applications/${seg(why.application.id)}`, why.application.name), ": ",
      roles.length ? roles.map((r) => [badge(r), " "]) : "none", why.user ? null : ". They stand where a user's roles and consent stand otherwise."),
    h("table", { role: "table", class: "sets" },
      h("caption", { class: "hidden" }, "Each scope, and whether each of the four sets has it"),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, th("Scope"), sets.map((s) => th(s.title, count(why.sets[s.id].filter((name) => names.includes(name)).length, "scope"))), th("Granted", count(why.granted.length, "scope")))),
      h("tbody", { role: "rowgroup" }, names.map((scope) => line(why, scope, title(scope), verdicts.get(scope))))),
    h("p", { class: "small muted formula" }, "granted = requested ∩ authorized for the application ∩ allowed by the user's roles ∩ consented"),
  ];
}

function line(why, scope, title, verdict) {
  const has = sets.map((s) => why.sets[s.id].includes(scope));
  const stop = has.indexOf(false); // -1: it runs through
  const granted = why.granted.includes(scope);
  const lacking = sets.filter((s, i) => !has[i]);
  const reason = granted ? "granted" : verdict ? `not granted: ${lacking.map((s) => (why.via && s.lacksBoth) || (why.vouched_by && s.lacksVouched) || s.lacks).join(", and ")}` : "not asked for";
  return h("tr", { role: "row", class: granted ? "granted" : has[0] ? "dropped" : "unasked" },
    h("th", { role: "rowheader", scope: "row" }, code(scope), title ? h("span", { class: "small block" }, title) : null, h("span", { class: "small muted block" }, reason)),
    sets.map((s, i) => h("td", { role: "cell", class: cellClass(i, stop), "data-label": s.title }, mark(has[i]), h("span", { class: "hidden" }, has[i] ? "yes" : "no"))),
    h("td", { role: "cell", class: `end ${stop < 0 ? "through" : "off"}`, "data-label": "Granted" }, granted ? badge("granted", "good") : h("span", { class: "muted" }, "–", h("span", { class: "hidden" }, "not granted"))));
}

function cellClass(i, stop) {
  if (stop < 0 || i < stop) {
    return "through";
  }
  return i === stop ? "stops" : "off";
}

// mark is a tick in a full circle, or a cross in an empty one: told apart without colours, too.
function mark(has) {
  return svg("svg", { viewBox: "0 0 24 24", width: 26, height: 26, "aria-hidden": "true", class: has ? "has" : "lacks" },
    svg("circle", { cx: 12, cy: 12, r: 10 }), svg("path", { d: has ? "M7 12.5l3.500 3.500L17 9" : "M8.500 8.500l7 7M15.500 8.500l-7 7" }));
}
