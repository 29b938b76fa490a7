// Scopes to tick, of one server.

import { checks } from "./form.js";

// scopeChecks is a field with the scopes of a server; the label is the server's name unless there is another.
export function scopeChecks(server, { name = "scopes", values = [], label = server.name, hint } = {}) {
  return checks({
    name, label, hint, values, none: "This server has no scopes yet.",
    options: server.scopes.map((s) => ({ value: s.name, label: s.title || s.name, hint: s.description, code: s.name })),
  });
}
