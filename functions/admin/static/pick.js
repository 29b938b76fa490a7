// A field that finds a record by how its name begins: the combobox pattern of the ARIA Authoring Practices.

import { agent } from "./application-new.js";
import { api } from "./api.js";
import { h, newID, wait } from "./dom.js";

// picker is a field as those of form.js are; read() is the id of what was picked. find(prefix) returns the candidates.
function picker({ name, label, hint, find, show, id, value, onpick }) {
  const [box, field] = [newID("options"), newID("pick")];
  const list = h("ul", { id: box, role: "listbox", "aria-label": label, hidden: true });
  const error = h("p", { id: `${field}-error`, class: "error", hidden: true });
  const input = h("input", {
    id: field, type: "text", name, role: "combobox", autocomplete: "off", spellcheck: "false", value: value ? show(value).title : "",
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": box, "aria-describedby": `${field}-hint ${field}-error`,
  });
  let picked = value ?? null;
  let options = [];
  let active = -1;
  let asked = 0;

  const mark = (i) => {
    active = i;
    [...list.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === i)));
    i < 0 ? input.removeAttribute("aria-activedescendant") : input.setAttribute("aria-activedescendant", list.children[i].id);
    list.children[i]?.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    list.hidden = true;
    asked += 1; // what is still under way comes too late
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const pick = (item) => {
    picked = item;
    input.value = item ? show(item).title : "";
    close();
    onpick?.(item);
  };
  const suggest = async () => {
    const turn = ++asked;
    let found;
    try {
      found = await find(input.value.trim());
    } catch (e) {
      fail(e.message);
      return;
    }
    if (turn !== asked) {
      return; // another key was pressed
    }
    options = found;
    list.replaceChildren(...(options.length ? options.map(draw) : [h("li", { class: "none muted" }, "Nothing begins like this.")]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(-1);
  };
  const draw = (item) => {
    const { title, note } = show(item);
    return h("li", { id: newID("option"), role: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); pick(item); } },
      h("strong", null, title), note ? h("span", { class: "small muted" }, note) : null);
  };
  const fail = (message) => {
    error.textContent = message ?? "";
    error.hidden = !message;
  };
  const later = wait(suggest, 150);
  input.addEventListener("input", () => {
    fail(null);
    close(); // its options fit what stood there before, and Enter must not take one of them
    if (picked) {
      picked = null;
      onpick?.(null);
    }
    later();
  });
  input.addEventListener("focus", () => { if (!picked) { suggest(); } });
  input.addEventListener("blur", close);
  let took = false;
  input.addEventListener("keydown", (event) => {
    took = false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        suggest();
      } else if (options.length) {
        mark((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1) + options.length) % options.length);
      }
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault(); // picks, and does not send the form
      took = true;
      pick(options[Math.max(active, 0)] ?? null);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault(); // closes the list and not the dialog around it
      event.stopPropagation();
      close();
    }
  });
  input.addEventListener("keypress", (event) => { // some input methods send the character of the key apart from the key
    if (took && event.key === "Enter") {
      event.preventDefault();
    }
  });
  const node = h("div", { class: "field pick" }, h("label", { for: field }, label),
    hint ? h("p", { id: `${field}-hint`, class: "small muted hint" }, hint) : null, h("div", { class: "pick-box" }, input, list), error);
  return { name, label, node, control: input, read: () => (picked ? id(picked) : ""), unsure: () => !picked && input.value.trim() !== "", item: () => picked, clear: () => pick(null), fail, focus: () => input.focus() };
}

export function userPicker(options) {
  return picker({
    label: "User", ...options, id: (u) => u.id, show: (u) => ({ title: u.username, note: u.name }),
    find: async (prefix) => (await api("GET", "/users", { query: { prefix, limit: 8 } })).items,
  });
}

export function applicationPicker(options) {
  return picker({
    label: "Application", ...options, id: (a) => a.id, show: (a) => ({ title: a.name, note: a.client_id }),
    find: async (prefix) => (await api("GET", "/applications", { query: { prefix, limit: 8 } })).items,
  });
}

// agentPicker finds agents only. The API lists applications by name and not by template, so the rest is left out here.
export function agentPicker(options) {
  return picker({
    label: "Agent", ...options, id: (a) => a.id, show: (a) => ({ title: a.name, note: a.client_id }),
    find: async (prefix) => (await api("GET", "/applications", { query: { prefix, limit: 200 } })).items.filter((a) => a.template === agent && !a.disabled).slice(0, 8),
  });
}
