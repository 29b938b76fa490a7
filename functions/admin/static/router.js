// Which screen an address means, and how one gives way to the next.

import { forgetCalls } from "./api.js";
import { callsPanel } from "./calls.js";
import { h, replace } from "./dom.js";
import { begin } from "./login.js";
import { LoginNeeded } from "./tokens.js";
import { explain } from "./trouble.js";
import { link } from "./ui.js";

const root = document.getElementById("console");
let routes = [];
let running = new AbortController();
let where = "";

// start takes over the links and the browser's buttons, and shows the screen of the address. table: [pattern, screen]; a
// segment ":name" of a pattern fits anything.
export async function start(table) {
  routes = table;
  document.addEventListener("click", (event) => {
    const a = event.target.closest?.("a[href]");
    if (!a || a.target || a.download || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    const url = new URL(a.href);
    if (url.origin === location.origin && url.pathname.startsWith("/admin/") && !url.pathname.startsWith("/admin/api/") && !url.hash) {
      event.preventDefault();
      go(url.pathname + url.search);
    }
  });
  addEventListener("popstate", () => show());
  await show();
}

// go shows another screen.
function go(path) {
  if (path !== location.pathname + location.search) {
    history.pushState(null, "", path);
  }
  return show();
}

async function show() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  document.querySelectorAll("dialog[open]").forEach((d) => d.close());
  const { screen, params } = match(location.pathname);
  if (where !== location.pathname) {
    forgetCalls();
    where = location.pathname;
  }
  const ctx = { params, query: new URLSearchParams(location.search), path: location.pathname, signal, go, reload: show };
  root.setAttribute("aria-busy", "true");
  let view;
  try {
    view = await screen(ctx);
  } catch (error) {
    if (signal.aborted) {
      return;
    }
    if (error instanceof LoginNeeded) {
      await begin();
    }
    view = failed(error);
  }
  if (!signal.aborted) {
    draw(view);
  }
}

function match(pathname) {
  const parts = pathname.replace(/\/$/, "").split("/").map(decodeURIComponent);
  for (const [pattern, screen] of routes) {
    const wanted = pattern.split("/");
    if (wanted.length === parts.length && wanted.every((w, i) => w.startsWith(":") || w === parts[i])) {
      return { screen, params: Object.fromEntries(wanted.flatMap((w, i) => (w.startsWith(":") ? [[w.slice(1), parts[i]]] : []))) };
    }
  }
  return { screen: nothingHere, params: {} };
}

function nothingHere() {
  return { title: "There is no such screen", content: [h("p", null, "Perhaps the address was copied in part. ", link("/admin/", "To the overview"))] };
}

function failed(error) {
  if (error.status === 404) {
    return { title: "There is nothing here", content: [h("p", null, "It may have been deleted. ", link("/admin/", "To the overview"))] };
  }
  return { title: "That did not work", content: [explain(error), h("p", null, h("button", { type: "button", class: "quiet", onclick: () => show() }, "Try again"))] };
}

// draw shows a screen: {title, up: [[path, text]], intro, actions, content, bare}.
export function draw({ title, up = [], intro, actions, content, bare }) {
  const heading = h("h1", { tabindex: "-1" }, title);
  const crumbs = up.length ? h("nav", { class: "crumbs", "aria-label": "Where you are" }, up.map(([path, text]) => [path ? link(path, text) : h("span", null, text), h("span", { "aria-hidden": "true" }, " › ")])) : null;
  root.removeAttribute("aria-busy");
  replace(root, crumbs, h("div", { class: "head" }, heading, actions ? h("div", { class: "head-actions" }, actions) : null),
    intro ? h("p", { class: "muted intro" }, intro) : null, h("div", { id: "trouble", role: "alert", tabindex: "-1" }), content, bare ? null : callsPanel());
  document.title = `${title} · VetAssist console`;
  document.body.classList.toggle("bare", Boolean(bare));
  const section = (path) => (path === "/admin/" ? location.pathname === path : location.pathname === path || location.pathname.startsWith(`${path}/`));
  document.querySelectorAll("#navigation a").forEach((a) => {
    section(a.getAttribute("href")) ? a.setAttribute("aria-current", "page") : a.removeAttribute("aria-current");
  });
  closeMenu();
  scrollTo(0, 0);
  heading.focus({ preventScroll: true });
}

// menu is what a narrow screen shows instead of the navigation.
const menu = document.getElementById("menu");
const navigation = document.getElementById("navigation");

export function showNavigation() {
  menu.hidden = navigation.hidden = false;
  menu.addEventListener("click", () => {
    const open = navigation.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && navigation.classList.contains("open")) {
      closeMenu();
      menu.focus();
    }
  });
}

export function hideNavigation() {
  menu.hidden = navigation.hidden = true;
}

function closeMenu() {
  navigation.classList.remove("open");
  menu.setAttribute("aria-expanded", "false");
}
