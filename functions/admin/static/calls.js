// The "API" disclosure of each screen: what the screen just did, as anybody could do it with curl.

import { calls, onCall } from "./api.js";
import { code, count, h, replace } from "./dom.js";
import { copyButton } from "./ui.js";

export function callsPanel() {
  const summary = h("span", null);
  const list = h("ol", { class: "calls" });
  const draw = () => {
    summary.textContent = calls.length ? ` · ${count(calls.length, "call")} of this screen` : "";
    replace(list, calls.map(entry));
  };
  onCall(draw);
  draw();
  return h("details", { class: "api" },
    h("summary", null, "API", h("span", { class: "muted" }, summary)),
    h("p", { class: "small muted" }, "All that this console does is calls of the admin API. ", h("code", null, "$TOKEN"),
      " stands for an access token; ", h("a", { href: "/admin/api/v1/docs", target: "_blank", rel: "noreferrer" }, "the API's page"), " tells more."),
    list);
}

function entry(call) {
  const text = curl(call);
  return h("li", null,
    h("p", null, h("strong", null, call.method), " ", code(new URL(call.url).pathname), " ",
      call.status ? h("span", { class: `badge ${call.status < 400 ? "good" : "bad"}` }, String(call.status)) : null,
      call.times > 1 ? h("span", { class: "muted" }, ` × ${call.times}`) : null, copyButton(text, "Copy curl")),
    h("pre", { tabindex: "0", role: "group", "aria-label": `${call.method} as curl` }, text));
}

function curl(call) {
  const lines = [`curl${call.method === "GET" ? "" : ` -X ${call.method}`} '${quote(call.url)}'`, `  -H "Authorization: Bearer $TOKEN"`];
  for (const [name, value] of Object.entries(call.headers)) {
    if (name !== "Accept") {
      lines.push(`  -H '${quote(`${name}: ${value}`)}'`);
    }
  }
  if (call.body !== undefined) {
    lines.push(`  -d '${quote(JSON.stringify(hidden(call.body)))}'`);
  }
  return lines.join(" \\\n");
}

// hidden keeps passwords off the screen.
function hidden(body) {
  return body.password ? { ...body, password: "…" } : body;
}

function quote(text) {
  return text.replaceAll("'", "'\\''");
}
