// Agents: who may act for the users of an application, and for the users of which applications an agent may act.

import { api, seg } from "./api.js";
import { editor } from "./application-edit.js";
import { code, h } from "./dom.js";
import { list } from "./list.js";
import { agentPicker } from "./pick.js";
import { empty, link, section } from "./ui.js";

// agentOf is the section of an application about its agent.
export function agentOf(ctx, path, app) {
  const value = app.may_act ? { id: app.may_act, name: app.may_act_name || app.may_act } : null;
  const who = agentPicker({ name: "may_act", label: "Agent", hint: "Type how its name begins. Empty: none.", value });
  const check = () => {
    if (who.unsure()) {
      who.fail("Choose an agent from the list, or leave this empty.");
      throw new Error("Nothing is changed yet.");
    }
  };
  return section("Agent",
    h("p", { class: "small muted" }, "An agent does what this application hands over to it, in the name of its users, and never more than they allowed this application (token exchange, RFC 8693). ",
      app.may_act ? link(`/admin/applications/${seg(app.may_act)}`, "See the agent") : null),
    editor(ctx, path, app, "Agent", [{ ...who, of: (a) => a.may_act ?? "" }], check));
}

// actsFor is the tab of an agent: who names it.
export async function actsFor(ctx, path) {
  return section("Acts for",
    h("p", { class: "small muted" }, "The applications that may hand something over to this agent. It acts for their users, with a token that names both."),
    await list(ctx, {
      path: `${path}/named-by`, caption: "Applications that name this agent",
      empty: empty("No application names this agent yet. That is done on the Protocol tab of the application."),
      columns: [
        { title: "Name", cell: (a) => link(`/admin/applications/${seg(a.id)}?tab=protocol`, a.name, "name") },
        { title: "Client id", class: "long", cell: (a) => code(a.client_id) },
      ],
    }));
}
