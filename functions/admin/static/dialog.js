// Questions that stand before everything else, in <dialog>: the browser keeps the focus inside and puts it back afterwards.

import { add, h, newID } from "./dom.js";
import { form, text } from "./form.js";

// open shows a dialog. close(value) ends it; Escape ends it with null.
function open(title, make) {
  return new Promise((resolve) => {
    const id = newID("dialog");
    const dialog = h("dialog", { class: "card", "aria-labelledby": id });
    let value = null;
    const close = (v) => {
      value = v;
      dialog.close();
    };
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(value);
    });
    add(dialog, h("h2", { id }, title), make(close));
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("input, select, textarea, .cancel")?.focus();
  });
}

// ask wants a yes for what is destructive. With typed, the person has to write that word first.
export function ask({ title, body, action, typed, danger = true }) {
  return open(title, (close) => {
    const yes = h("button", { type: "submit", class: danger ? "danger" : null, disabled: Boolean(typed) }, action);
    const word = typed ? text({ name: "typed", label: ["Type ", h("code", null, typed), " to confirm"], autocomplete: "off" }) : null;
    word?.control.addEventListener("input", () => { yes.disabled = word.read() !== typed; });
    return h("form", { onsubmit: (event) => { event.preventDefault(); close(true); } },
      [body].flat().map((p) => (typeof p === "string" ? h("p", null, p) : p)), word?.node,
      h("div", { class: "actions" }, h("button", { type: "button", class: "quiet cancel", onclick: () => close(false) }, "Cancel"), yes));
  });
}

// tell shows something, until it was read.
export function tell({ title, body, action }) {
  return open(title, (close) => h("form", { onsubmit: (event) => { event.preventDefault(); close(true); } }, body, h("div", { class: "actions" }, h("button", { type: "submit" }, action))));
}

// formDialog asks for a few values; onsave may fail, and then the dialog stays. It returns what onsave returned, or null.
export function formDialog({ title, intro, fields, action = "Save", onsave }) {
  return open(title, (close) => {
    const f = form({ label: title, fields, action, inDialog: true, cancel: () => close(null), onsave: async (values) => close((await onsave(values)) ?? true) });
    return [intro ? h("p", { class: "muted" }, intro) : null, f.node];
  });
}
