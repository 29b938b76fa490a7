// The diagram beside the chat. The chat gives it an <aside> and knows nothing else of it; closed once, it stays closed in this browser.

import { mount } from "./diagram.js";
import { h, replace } from "./elements.js";

const key = "vetassist-flow-panel";
const seenKey = "vetassist-flow-seen"; // the flow and how many of its steps this tab has shown
const aside = document.getElementById("flow-panel");
const read = () => {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
};

if (aside) {
  let diagram = null;
  const wide = matchMedia("(min-width: 70rem)");
  const title = h("a", { href: "/flow/", class: "flow-panel-title" }, "Flight recorder");
  const close = h("button", { type: "button", class: "quiet flow-slim", "aria-label": "Close the flight recorder" }, "✕");
  const box = h("div", { class: "flow-beside" });
  replace(aside, h("header", { class: "flow-panel-head" }, h("div", null, h("h2", null, "What happens"), title),
    h("nav", { class: "small flow-panel-nav", "aria-label": "Flight recorder and course" }, h("a", { href: "/flow/" }, "All flows"), " ", h("a", { href: "/learn/" }, "Course"), close)), box);
  const opener = h("button", { type: "button", class: "quiet slim flow-opener", "aria-controls": "flow-panel" }, "Show what happens");
  document.querySelector("[data-flow-link]")?.after(opener);

  const empty = () => h("div", { class: "flow-panel-empty" }, h("p", null, h("strong", null, "Every step appears here, as it happens.")),
    h("p", { class: "muted" }, "Ask something that needs your data. Then click an arrow to see what was sent, what was decided, and which rule it follows."));
  // unseen scrolls to the first step that is new in this tab: after a login that is where the story goes on.
  const unseen = (flow) => {
    const [id, count] = (sessionStorage.getItem(seenKey) ?? "").split(" ");
    const first = id === flow.id ? flow.steps[Number(count)] : flow.steps[0];
    sessionStorage.setItem(seenKey, `${flow.id} ${flow.steps.length}`);
    const scroll = box.querySelector(".flow-scroll");
    const step = first && scroll?.querySelector(`[data-step="${first.anchor}"]`);
    if (step && !box.classList.contains("flow-open")) {
      const at = step.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop;
      scroll.scrollTop = id === flow.id ? at - scroll.querySelector(".flow-heads").offsetHeight - 8 : 0;
    }
  };
  const set = () => {
    const open = read() !== "closed";
    document.documentElement.classList.toggle("flow-panel-closed", !open);
    opener.hidden = open;
    if (open && wide.matches) {
      diagram ??= mount(box, { flow: "latest", empty, onflow: (flow) => {
        title.textContent = flow.title;
        title.href = `/flow/${flow.id}`;
        unseen(flow);
      } });
    } else {
      diagram?.stop();
      diagram = null;
    }
  };
  const keep = (value) => {
    try {
      localStorage.setItem(key, value);
    } catch { /* then only on this page */ }
    document.documentElement.classList.toggle("flow-panel-closed", value === "closed");
    set();
  };
  close.addEventListener("click", () => { keep("closed"); opener.focus(); });
  opener.addEventListener("click", () => { keep("open"); close.focus(); });
  wide.addEventListener("change", set);
  document.addEventListener("chat:asked", () => diagram?.now());
  document.addEventListener("chat:answered", () => diagram?.now());
  set();
}
