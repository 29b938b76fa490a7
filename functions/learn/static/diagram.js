// The diagram of a flow, live: it asks for news, draws them, and opens what is chosen. The recorder's pages, the panel beside the chat and
// the course all use it: mount(element, {flow}).

import { details } from "./details.js";
import { h, replace } from "./elements.js";
import { draw } from "./drawing.js";
import { steps as list } from "./steps.js";

const young = 2 * 60 * 1000; // ms; such a flow may go on at any moment
const pace = { young: 1000, old: 5000, silent: 15000 };
const asListKey = "vetassist-flow-as-list";

// mount draws a flow into an element. flow is its id, or "latest"; deep keeps the open step in the address. The result can look for news
// at once, end it all, and change the flow.
export function mount(root, { flow = "latest", deep = false, empty = null, onflow = null } = {}) {
  styled();
  const view = { root, flow, deep, data: null, current: null, open: false, fresh: new Set(), known: new Set() };
  const canvas = h("div", { class: "flow-canvas" });
  const sheet = h("section", { class: "flow-details", "aria-label": "The chosen step", hidden: true });
  const said = h("p", { class: "flow-hidden", role: "status" });
  const toggle = h("button", { type: "button", class: "quiet flow-slim flow-toggle", "aria-pressed": "false", onclick: () => asList(!view.asList) }, "As a list");
  const tools = h("div", { class: "flow-tools" }, h("span", { class: "flow-state small muted" }), toggle);
  root.classList.add("flow");
  replace(root, tools, h("div", { class: "flow-stage" }, canvas, sheet), said);

  const narrow = () => root.clientWidth < 430;
  const asList = (on) => {
    view.asList = on;
    keep(asListKey, on ? "1" : "");
    render();
  };
  view.asList = kept(asListKey) === "1";

  // choose makes a step the one that the keys start from, and opens it.
  const choose = (anchor, { open = true, focus = true } = {}) => {
    const step = view.data?.steps.find((s) => s.anchor === anchor);
    if (!step) {
      return;
    }
    view.current = anchor;
    mark();
    if (open) {
      show(step, focus);
    } else if (focus) {
      canvas.querySelector(`[data-step="${anchor}"]`)?.focus();
    }
  };
  const show = async (step, focus) => {
    view.open = true;
    sheet.hidden = false;
    root.classList.add("flow-open");
    if (deep) {
      history.replaceState(null, "", `#step-${step.anchor}`);
    }
    await details(sheet, view.data, step, { close, move: (by) => move(by, true) });
    covered();
    if (focus) {
      sheet.querySelector("h2")?.focus({ preventScroll: getComputedStyle(sheet).position !== "static" });
    }
  };
  const close = () => {
    view.open = false;
    sheet.hidden = true;
    root.classList.remove("flow-open");
    covered();
    if (deep) {
      history.replaceState(null, "", location.pathname);
    }
    canvas.querySelector(`[data-step="${view.current}"]`)?.focus();
  };
  // covered keeps the keyboard out of what the sheet lies on.
  const covered = () => { canvas.inert = view.open && ["fixed", "absolute"].includes(getComputedStyle(sheet).position); };
  const move = (by, open) => {
    const all = view.data?.steps ?? [];
    const at = all.findIndex((s) => s.anchor === view.current);
    const next = by === Infinity ? all.length - 1 : by === -Infinity ? 0 : Math.min(Math.max(at + by, 0), all.length - 1);
    if (all[next]) {
      choose(all[next].anchor, { open });
    }
  };
  const mark = () => {
    for (const e of canvas.querySelectorAll("[data-step]")) {
      const chosen = e.dataset.step === view.current;
      e.classList.toggle("flow-current", chosen);
      chosen ? e.setAttribute("aria-current", "step") : e.removeAttribute("aria-current");
      e.setAttribute("tabindex", chosen ? "0" : "-1");
    }
  };

  const render = () => {
    const had = canvas.contains(document.activeElement);
    const at = canvas.querySelector(".flow-scroll")?.scrollTop ?? 0;
    const flat = view.asList || narrow();
    toggle.hidden = narrow() || !view.data;
    toggle.setAttribute("aria-pressed", String(view.asList));
    if (!view.data) {
      replace(canvas, empty ? empty() : h("p", { class: "muted" }, "Nothing happened yet."));
      return;
    }
    view.current = view.data.steps.some((s) => s.anchor === view.current) ? view.current : view.data.steps[0]?.anchor;
    replace(canvas, flat ? list(view.data, view.fresh) : draw(view.data, canvas.clientWidth || root.clientWidth, view.fresh, root.classList.contains("flow-beside")));
    canvas.classList.toggle("flow-as-list", flat);
    mark();
    const scroll = canvas.querySelector(".flow-scroll");
    if (scroll) {
      scroll.scrollTop = at;
    }
    if (had) {
      canvas.querySelector(`[data-step="${view.current}"]`)?.focus({ preventScroll: true });
    }
  };

  canvas.addEventListener("click", (event) => {
    const step = event.target.closest("[data-step]");
    if (step) {
      choose(step.dataset.step);
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    const at = event.target.closest("[data-step]");
    const inside = sheet.contains(event.target);
    if (event.key === "Escape" && view.open) {
      close();
    } else if ((event.key === "Enter" || event.key === " ") && at && at.tagName !== "BUTTON") {
      choose(at.dataset.step);
    } else if (at || (inside && event.key.startsWith("Arrow") && !event.target.closest("pre, input, [tabindex='0']:not(h2)"))) {
      const by = { ArrowRight: 1, ArrowLeft: -1, ...(at ? { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity } : {}) }[event.key];
      if (by === undefined) {
        return;
      }
      move(by, inside);
    } else {
      return;
    }
    event.preventDefault();
  });

  let width = 0;
  const sized = new ResizeObserver(() => {
    if (Math.abs(canvas.offsetWidth - width) > 1) {
      width = canvas.offsetWidth;
      render();
      covered();
    }
  });
  sized.observe(canvas);

  // take draws what came.
  const take = (data) => {
    const other = data.id !== view.data?.id;
    if (other) {
      view.known = new Set();
      if (view.open) {
        close();
      }
    }
    const first = view.known.size === 0 && !(other && view.data);
    view.fresh = new Set(first ? [] : data.steps.map(keyOf).filter((k) => !view.known.has(k)));
    view.known = new Set(data.steps.map(keyOf));
    const current = view.data?.steps.find((s) => s.anchor === view.current);
    if (current && !other) { // its number may be another now
      view.current = data.steps.find((s) => keyOf(s) === keyOf(current))?.anchor;
    }
    view.data = data;
    state(data);
    render();
    if (view.fresh.size) {
      said.textContent = `${view.fresh.size} new steps, ${data.steps.length} in all.`;
    }
    onflow?.(data);
    if (deep && !view.opened && location.hash.startsWith("#step-")) {
      view.opened = data.steps.some((s) => `#step-${s.anchor}` === location.hash);
      choose(location.hash.slice(6));
      canvas.querySelector(`[data-step="${view.current}"]`)?.scrollIntoView({ block: "center" });
    }
  };
  const state = (data) => {
    const words = { done: "Done", waiting: "Waits for a person", refused: "Refused" };
    replace(tools.firstChild, h("span", { class: `flow-outcome ${data.outcome}` }, words[data.outcome] ?? data.outcome),
      ` ${data.exchanges} ${data.exchanges === 1 ? "exchange" : "exchanges"}, ${data.steps.length} steps`);
  };

  // News: often while the flow is young and the page is seen.
  let timer;
  let tag = "";
  let asking = false;
  let stopped = false;
  let changed = Date.now();
  const ask = async () => {
    clearTimeout(timer);
    if (asking || stopped) {
      return;
    }
    asking = true;
    try {
      const response = await fetch(`/flow/api/flows/${view.flow}`, { headers: tag ? { "If-None-Match": tag } : {}, credentials: "same-origin" });
      if (response.status === 200) {
        tag = response.headers.get("ETag") ?? "";
        changed = Date.now();
        take(await response.json());
      } else if (response.status === 204 && (view.data || !canvas.firstChild)) {
        view.data = null;
        render();
      } else if (response.status === 404) {
        stopped = true;
      }
    } catch { // not reached: later again
      changed = 0;
    } finally {
      asking = false;
      later();
    }
  };
  const later = () => {
    clearTimeout(timer);
    if (!stopped && !document.hidden) {
      const silent = Date.now() - changed;
      timer = setTimeout(ask, silent < young ? pace.young : silent < 5 * young ? pace.old : pace.silent);
    }
  };
  const seen = () => (document.hidden ? clearTimeout(timer) : ask());
  const hash = () => {
    if (location.hash.startsWith("#step-")) {
      choose(location.hash.slice(6));
    }
  };
  document.addEventListener("visibilitychange", seen);
  if (deep) {
    window.addEventListener("hashchange", hash);
  }
  ask();
  return {
    now() { changed = Date.now(); return ask(); },
    stop() {
      stopped = true;
      clearTimeout(timer);
      sized.disconnect();
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("hashchange", hash);
    },
  };
}

function keyOf(step) {
  return `${step.record} ${step.part}`;
}

// styled loads the stylesheet, where the page has not.
function styled() {
  if (![...document.querySelectorAll("link[rel=stylesheet]")].some((l) => l.href.includes("/flow.css"))) {
    document.head.append(h("link", { rel: "stylesheet", href: new URL("flow.css", import.meta.url).href }));
  }
}

// A browser may forbid to keep things.
function keep(key, value) {
  try {
    value ? localStorage.setItem(key, value) : localStorage.removeItem(key);
  } catch { /* then it is so for this page only */ }
}

function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
