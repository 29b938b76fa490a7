// What the screens build themselves from.

import { h } from "./elements.js";

export { add, h, newID, replace, svg } from "./elements.js";

const dateTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const dateTimeSeconds = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

// when shows a time of the API; the exact one is in its title.
export function when(iso, seconds = false) {
  if (!iso || iso.startsWith("0001-")) {
    return "–";
  }
  return h("time", { datetime: iso, title: iso }, (seconds ? dateTimeSeconds : dateTime).format(new Date(iso)));
}

// code shows something that machines read.
export function code(text) {
  return h("code", null, text);
}

export function badge(text, tone = "") {
  return h("span", { class: `badge ${tone}` }, text);
}

// count is "1 pet", "2 pets".
export function count(n, word) {
  return `${n} ${word}${n === 1 ? "" : "s"}`;
}

// wait calls f when it has not been called again for a moment, as after the last key of a search.
export function wait(f, ms = 200) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), ms);
  };
}
