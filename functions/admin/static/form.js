// Forms: fields, and where their errors go. A field is {name, node, control, read(), fail(message)}; of(record), if it has
// it, reads its value from a record, to tell what somebody else changed.

import { h, newID, replace } from "./dom.js";
import { explain } from "./trouble.js";
import { busy } from "./ui.js";

// dress puts label, hint and room for an error around a control.
function dress({ name, label, hint, control, read, of, group }) {
  const id = newID("field");
  const error = h("p", { id: `${id}-error`, class: "error", hidden: true });
  const described = `${hint ? `${id}-hint ` : ""}${id}-error`;
  const note = hint ? h("p", { id: `${id}-hint`, class: "small muted hint" }, hint) : null;
  let node;
  if (group) {
    node = h("fieldset", { class: "field", "aria-describedby": described }, h("legend", null, label), note, control, error);
  } else {
    control.id = id;
    control.setAttribute("aria-describedby", described);
    node = h("div", { class: "field" }, h("label", { for: id }, label), note, control, error);
  }
  const first = () => (group ? node.querySelector("input") : control);
  const fail = (message) => {
    error.textContent = message ?? "";
    error.hidden = !message;
    if (message) {
      first()?.setAttribute("aria-invalid", "true");
    } else {
      first()?.removeAttribute("aria-invalid");
    }
  };
  return { name, label, node, control, read, of, fail, focus: () => first()?.focus() };
}

export function text({ name, label, hint, value = "", required, type = "text", mono, autocomplete = "off", placeholder, maxlength, of, inputmode }) {
  const control = h("input", { type, name, value, required, autocomplete, placeholder, maxlength, inputmode, class: mono ? "mono" : null, spellcheck: mono ? "false" : null, autocapitalize: mono ? "none" : null });
  return dress({ name, label, hint, control, read: () => control.value.trim(), of });
}

// lines is a list, one entry a line.
export function lines({ name, label, hint, value = [], required, of }) {
  const control = h("textarea", { name, rows: "3", required, class: "mono", spellcheck: "false", value: value.join("\n") });
  return dress({ name, label, hint, control, read: () => control.value.split(/\s+/).filter(Boolean), of });
}

// area is text of several lines, for machines.
export function area({ name, label, hint, value = "", required, rows = 8, of }) {
  const control = h("textarea", { name, rows: String(rows), required, class: "mono", spellcheck: "false", autocapitalize: "none", value });
  return dress({ name, label, hint, control, read: () => control.value.trim(), of });
}

// json is a document; what is none is for the API to refuse. Empty is none.
export function json({ name, label, hint, value, of }) {
  const control = h("textarea", { name, rows: "6", class: "mono", spellcheck: "false", value: value ? JSON.stringify(value, null, 2) : "" });
  const read = () => {
    try {
      return control.value.trim() ? JSON.parse(control.value) : undefined;
    } catch {
      return control.value;
    }
  };
  return dress({ name, label, hint, control, read, of });
}

// pairs are two words a line, as objects with these two names.
export function pairs({ name, label, hint, names: [first, second], value = [], of }) {
  const control = h("textarea", { name, rows: "3", class: "mono", spellcheck: "false", value: value.map((v) => `${v[first]} ${v[second]}`).join("\n") });
  const read = () => control.value.split("\n").map((line) => line.trim().split(/\s+/)).filter(([word]) => word).map(([x, y = ""]) => ({ [first]: x, [second]: y }));
  return dress({ name, label, hint, control, read, of });
}

export function select({ name, label, hint, options, value, required, of, onchange }) {
  const control = h("select", { name, required, onchange }, options.map((o) => h("option", { value: o.value }, o.label)));
  if (value !== undefined) {
    control.value = value;
  }
  return dress({ name, label, hint, control, read: () => control.value, of });
}

function option(type, name, o, checked, onchange) {
  return h("label", { class: "choice" }, h("input", { type, name, value: o.value, checked, onchange }),
    h("span", null, h("strong", null, o.label), o.hint ? h("span", { class: "small muted" }, o.hint) : null, o.code ? h("code", null, o.code) : null));
}

// checks is any number of choices.
export function checks({ name, label, hint, options, values = [], of, none }) {
  const boxes = options.map((o) => option("checkbox", name, o, values.includes(o.value)));
  const every = () => control.querySelectorAll("input").forEach((i) => { i.checked = true; });
  const control = boxes.length ? h("div", { class: "choices" }, boxes, boxes.length > 3 ? h("button", { type: "button", class: "link small", onclick: every }, "Tick all") : null)
    : h("p", { class: "muted" }, none ?? "There is nothing to choose from.");
  const read = () => [...control.querySelectorAll("input:checked")].map((i) => i.value);
  return dress({ name, label, hint, control, read, of, group: true });
}

// choice is one of several.
export function choice({ name, label, hint, options, value, onchange }) {
  const control = h("div", { class: "choices" }, options.map((o) => option("radio", name, o, o.value === value, onchange)));
  return dress({ name, label, hint, control, read: () => control.querySelector("input:checked")?.value, group: true });
}

export function toggle({ name, label, hint, value, of }) {
  const control = h("input", { type: "checkbox", name, checked: value });
  const error = h("p", { class: "error", hidden: true });
  const node = h("div", { class: "field" }, h("label", { class: "choice" }, control, h("span", null, h("strong", null, label), hint ? h("span", { class: "small muted" }, hint) : null)), error);
  const fail = (message) => { error.textContent = message ?? ""; error.hidden = !message; };
  return { name, label, node, control, read: () => control.checked, of, fail, focus: () => control.focus() };
}

// form puts fields together. onsave(values, etag) may throw; record is {etag, load()} for what may have been changed by
// somebody else meanwhile.
export function form({ label, fields, action = "Save", cancel, onsave, record, onreload, inDialog }) {
  const alert = h("div", { class: "alert", role: "alert", tabindex: "-1" });
  const submit = h("button", { type: "submit" }, action);
  const back = cancel ? h("button", { type: "button", class: "quiet cancel", onclick: cancel }, "Cancel") : null;
  let etag = record?.etag;
  const values = () => Object.fromEntries(fields.map((f) => [f.name, f.read()]));

  const fail = async (error) => {
    if (error.status === 412 && record) {
      const now = await record.load();
      etag = now.etag;
      replace(alert, conflict(fields, now, onreload));
      alert.focus();
      return;
    }
    const rest = [];
    let first = null;
    for (const { location, message } of error.errors ?? []) {
      const field = owner(fields, location ?? "");
      if (field) {
        field.fail(sentence(message));
        first ??= field;
      } else {
        rest.push(`${location ? `${location}: ` : ""}${message}`);
      }
    }
    replace(alert, first && !rest.length ? null : explain(error, rest));
    (first ?? alert).focus();
  };

  const node = h("form", {
    "aria-label": label, onsubmit: (event) => {
      event.preventDefault();
      busy(submit, async () => {
        replace(alert);
        fields.forEach((f) => f.fail(null));
        try {
          await onsave(values(), etag);
        } catch (error) {
          await fail(error);
        }
      });
    },
  }, alert, fields.map((f) => f.node), h("div", { class: "actions" }, inDialog ? [back, submit] : [submit, back]));
  return { node, values };
}

// owner is the field that an error's location names: "body.redirect_uris[1]" is that of redirect_uris.
function owner(fields, location) {
  const at = location.replace(/^(body|path|query)\.?/, "");
  const fits = fields.filter((f) => f.name === at || (at.startsWith(f.name) && /^[.[]/.test(at.slice(f.name.length))));
  // A form for one item of a list takes what is said of the list.
  return fits.sort((a, b) => b.name.length - a.name.length)[0] ?? fields.find((f) => at && f.name.startsWith(`${at}[`));
}

function sentence(message) {
  return message.charAt(0).toUpperCase() + message.slice(1);
}

// conflict says what somebody else changed, and leaves what was typed.
function conflict(fields, now, onreload) {
  const differs = (f) => JSON.stringify([f.of(now) ?? ""].flat().toSorted()) !== JSON.stringify([f.read()].flat().toSorted());
  const changed = fields.filter((f) => f.of && differs(f));
  const shown = (v) => [v ?? ""].flat().join(", ") || "nothing";
  return h("div", { class: "notice warn" },
    h("p", null, h("strong", null, "Somebody else changed this in the meantime."), " What you typed is still here. Save again to put it over their change, or reload to see theirs."),
    changed.length ? h("ul", null, changed.map((f) => h("li", null, f.label, " is now: ", h("strong", null, shown(f.of(now)))))) : null,
    onreload ? h("button", { type: "button", class: "quiet slim", onclick: onreload }, "Reload") : null);
}
