// Why: the one formula of VetAssist, drawn. granted = requested ∩ client ∩ role ∩ consent, scope by scope.

import { all, api, seg, serversOf } from "./api.js";
import { agent, machine } from "./application-new.js";
import { h, replace } from "./dom.js";
import { form, select } from "./form.js";
import { applicationPicker, userPicker } from "./pick.js";
import { scopeChecks } from "./scopes.js";
import { empty, section } from "./ui.js";
import { picture } from "./why-picture.js";

export async function whyScreen(ctx) {
  const id = (name) => ctx.query.get(name) ?? "";
  const known = async (path, key) => (key ? api("GET", path + seg(key), { signal: ctx.signal }) : null);
  const [servers, user, application, issuers] = await Promise.all([
    serversOf(ctx), known("/users/", id("user_id")), known("/applications/", id("client_id")), all("/trusted-issuers", { signal: ctx.signal }),
  ]);
  const start = servers.find((s) => s.id === id("server_id")) ?? servers.find((s) => !s.system) ?? servers[0];
  const intro = "What a token may do is what was requested and is allowed three times: to the application, by the user's roles, and by the user's consent.";
  if (!start) {
    return { title: "Why", intro, content: empty("There is no MCP server yet, so there is nothing to ask about.", h("a", { href: "/admin/servers/new" }, "Register one")) };
  }
  const scopesBox = h("div", null);
  const result = h("div", null);
  let scopes;
  const chosen = () => servers.find((s) => s.id === server.read());
  const asked = ctx.query.get("scope")?.split(" ");
  const fit = () => {
    const names = chosen().scopes.map((s) => s.name);
    scopes = scopeChecks(chosen(), { label: "Requested scopes", values: asked?.some((a) => names.includes(a)) ? asked : names });
    replace(scopesBox, scopes.node);
  };
  const server = select({ name: "server_id", label: "Server", hint: "The API resource.", value: start.id, options: servers.map((s) => ({ value: s.id, label: s.name })), onchange: fit });
  fit();
  const who = userPicker({ name: "user_id", value: user, hint: "None for a machine-to-machine application." });
  const enterprises = issuers.filter((i) => i.kind === "enterprise");
  const word = enterprises.length ? select({ name: "issuer_id", label: "Vouched for by", hint: "The company whose word stands for the user's consent.", value: id("issuer_id"),
    options: [{ value: "", label: "nobody: the user consents" }, ...enterprises.map((i) => ({ value: i.id, label: i.name }))] }) : null;
  const viaBox = h("div", { class: "field", hidden: true });
  let via;
  const handed = async (app) => { // an agent has no token by itself: from which application is it?
    via = null;
    replace(viaBox);
    viaBox.hidden = app?.template !== agent;
    if (viaBox.hidden) {
      return;
    }
    const from = await all(`/applications/${seg(app.id)}/named-by`, { signal: ctx.signal });
    via = from.length ? select({ name: "via", label: "Handed over by", hint: "The application from which this agent has its token.", value: ctx.query.get("via") ?? from[0].id, options: from.map((a) => ({ value: a.id, label: a.name })) }) : null;
    replace(viaBox, via?.node ?? h("p", { class: "small muted" }, "No application names this agent, so nothing is handed over to it."));
  };
  const what = applicationPicker({ name: "client_id", value: application, hint: "Type how the name begins.", onpick: (app) => handed(app).catch((e) => what.fail(e.message)) });
  const from = { name: "via", node: viaBox, read: () => via?.read() ?? "", fail: (m) => via?.fail(m), focus: () => via?.focus() };
  const within = { name: "scope", node: scopesBox, read: () => scopes.read(), fail: (m) => scopes.fail(m), focus: () => scopes.focus() };

  const show = async (values) => {
    const every = values.scope.length === chosen().scopes.length;
    const query = { user_id: values.user_id, client_id: values.client_id, via: values.via, issuer_id: values.issuer_id ?? "", server_id: values.server_id, scope: every ? "" : values.scope.join(" ") };
    const why = await api("GET", "/why", { query, signal: ctx.signal });
    history.replaceState(null, "", `/admin/why?${new URLSearchParams(Object.entries(query).filter(([, v]) => v))}`);
    replace(result, section(`What ${why.application.name} may do ${why.user ? `for ${why.user.name}` : "for itself"}`, picture(why, chosen())));
  };
  const f = form({
    label: "Ask why", action: "Show", fields: [who, what, server, from, word, within].filter(Boolean), onsave: async (values) => {
      const missing = [[who, values.user_id || what.item()?.template === machine, "Choose a user from the list."], [what, values.client_id, "Choose an application from the list."], [within, values.scope.length, "Tick at least one scope."]].filter(([, value]) => !value);
      missing.forEach(([field, , message]) => field.fail(message));
      if (missing.length) {
        missing[0][0].focus();
        return;
      }
      await show(values);
      result.querySelector("h2").setAttribute("tabindex", "-1");
      result.querySelector("h2").focus();
    },
  });
  await handed(application);
  if (application && (user || application.template === machine)) {
    await show(f.values());
  }
  return { title: "Why", intro, content: h("div", { class: "why" }, h("div", { class: "card part" }, f.node), result) };
}
