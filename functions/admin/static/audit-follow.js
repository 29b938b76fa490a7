// Follows the audit log: asks every second for what is new, while somebody looks.

import { api } from "./api.js";
import { h } from "./dom.js";
import { LoginNeeded } from "./tokens.js";
import { trouble } from "./trouble.js";

const every = 1000; // ms
const overlap = 5000; // ms: an event that is written together with a change can come to light a moment after its time
const maxPages = 5; // of one round; what is older than that, "Load older" finds after a reload

// follow calls found with events, newest first, of which some may have been seen before. newest is the time of the newest
// event that is shown, if any is. It ends with the screen.
export function follow(ctx, query, newest, found) {
  let on = true;
  let failures = 0;
  const label = h("span", null, "Following");
  const node = h("button", { type: "button", class: "quiet following", "aria-pressed": "true", title: "Ask for new events every second" }, h("span", { class: "pulse", "aria-hidden": "true" }), label);
  node.addEventListener("click", () => {
    on = !on;
    node.setAttribute("aria-pressed", String(on));
    label.textContent = on ? "Following" : "Paused";
    if (on) {
      later(0);
    }
  });

  const filtered = Object.values(query).some(Boolean);
  const upTo = (event) => { newest = Math.max(newest, event ? Date.parse(event.time) : 0); };

  const round = async () => {
    // What is older than the newest of all need not be looked at again, though nothing of it fits.
    const latest = filtered ? (await api("GET", "/audit", { query: { limit: 1 }, signal: ctx.signal })).items[0] : null;
    let cursor;
    const events = [];
    for (let i = 0; i < maxPages; i += 1) {
      const since = newest ? new Date(newest - overlap).toISOString() : undefined;
      const page = await api("GET", "/audit", { query: { ...query, since, limit: 200, cursor }, signal: ctx.signal });
      events.push(...page.items);
      cursor = page.next;
      if (!cursor || !newest) {
        break;
      }
    }
    upTo(latest);
    upTo(events[0]);
    found(events);
  };

  let timer;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(tick, ms);
  };
  async function tick() {
    if (!on || document.hidden || ctx.signal.aborted) {
      return;
    }
    try {
      await round();
      failures = 0;
    } catch (error) {
      if (ctx.signal.aborted) {
        return;
      }
      failures += 1;
      if (error instanceof LoginNeeded || failures === 5) {
        node.click(); // pauses
        trouble(error);
        return;
      }
    }
    later(every * 2 ** failures);
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { later(0); } }, { signal: ctx.signal });
  ctx.signal.addEventListener("abort", () => clearTimeout(timer));
  later(every);
  return { node };
}
