// Small parts that many screens have.

import { add, h, newID } from "./dom.js";

// toast says for a moment what was done; screen readers read it out.
export function toast(text, tone = "good") {
  const box = h("p", { class: `toast ${tone}` }, text);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), 6000);
}

// busy runs what a button starts, once, and shows that it runs.
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") {
    return;
  }
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

export function copyButton(text, label = "Copy") {
  const button = h("button", { type: "button", class: "quiet slim copy" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      toast("Copied.");
    } catch {
      toast("The browser did not let us copy. Please select the text instead.", "bad");
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  return button;
}

// shown is a value to copy, such as a client id.
export function shown(label, value, note) {
  const id = newID("shown");
  return h("div", { class: "field" }, h("label", { for: id }, label),
    h("div", { class: "copyable" }, h("input", { id, type: "text", readonly: true, class: "mono", value, "aria-describedby": note ? `${id}-note` : null }), copyButton(value)),
    note ? h("p", { id: `${id}-note`, class: "small muted" }, note) : null);
}

// empty says that there is nothing yet, and what to do next.
export function empty(text, ...next) {
  return h("div", { class: "empty" }, h("p", null, text), next.length ? h("p", null, ...next) : null);
}

export function link(href, text, className = "") {
  return h("a", { href, class: className || null }, text);
}

export function section(title, ...content) {
  const id = newID("section");
  return h("section", { class: "card part", "aria-labelledby": id }, h("h2", { id }, title), ...content);
}

// dangers is a section of what cannot be undone, or hurts.
export function dangers(...rows) {
  return h("section", { class: "card part dangers" }, h("h2", null, "Danger zone"), h("ul", { class: "plain rows" }, rows.filter(Boolean)));
}

// act is a row with a button: what it does, and the button that does it.
export function act(title, text, button) {
  return h("li", { class: "act" }, h("div", null, h("strong", null, title), h("p", { class: "small muted" }, text)), button);
}

export function button(text, onclick, className = "quiet") {
  const b = h("button", { type: "button", class: className }, text);
  b.addEventListener("click", () => busy(b, onclick));
  return b;
}

// facts are names with values.
export function facts(rows) {
  return h("dl", { class: "facts" }, rows.filter(Boolean).map(([name, ...value]) => [h("dt", null, name), h("dd", null, ...value)]));
}

// table shows records. Its roles are spelled out, because a stylesheet that stacks the cells on a narrow screen would make
// browsers forget them. columns: [{title, cell(item), class}].
export function table(caption, columns) {
  const body = h("tbody", { role: "rowgroup" });
  const node = h("table", { role: "table", class: "stack" },
    h("caption", { class: "hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((c) => h("th", { role: "columnheader", scope: "col", class: c.class }, c.class === "last" ? h("span", { class: "hidden" }, c.title) : c.title)))),
    body);
  const row = (item) => h("tr", { role: "row" }, columns.map((c, i) => {
    const cell = h("td", { role: "cell", class: c.class, "data-label": i && c.class !== "last" ? c.title : null });
    add(cell, h("div", null, c.cell(item)));
    return cell;
  }));
  return { node, body, row };
}

// tabs are links to the same screen, so that the browser's back button and a bookmark know them.
export function tabs(path, names, current) {
  return h("nav", { class: "tabs", "aria-label": "Parts of this screen" }, names.map(([id, text]) =>
    h("a", { href: `${path}?tab=${id}`, "aria-current": id === current ? "page" : null }, text)));
}
