// Applications › New Application: choose a template, fill in what it needs, and see what the application gets.

import { all, api, seg } from "./api.js";
import { h } from "./dom.js";
import { checks, choice, form, lines, text } from "./form.js";
import { draw } from "./router.js";
import { link, shown } from "./ui.js";
import { roleOption } from "./user-new.js";

const up = [["/admin/applications", "Applications"]];

const mcpClient = "MCP client application";
const web = "Web application with a secret";
export const machine = "Machine-to-machine application";
const device = "Device or command line";
export const agent = "Agent";
const templates = [
  { value: mcpClient, label: mcpClient, hint: "An MCP host or chat app that acts for its users. It proves itself with PKCE and keeps no secret." },
  { value: web, label: web, hint: "Acts for its users, and runs on a server that can keep a secret." },
  { value: machine, label: machine, hint: "Acts for nobody but itself: a job or a service, with a secret and roles of its own." },
  { value: device, label: device, hint: "A kiosk, a television or a terminal, without a browser of its own. It shows a code, which its users type in on their phone." },
  { value: agent, label: agent, hint: "Does what another application hands over to it, for the users of that one, and never more than they allowed. It logs nobody in." },
];

// browses tells whether applications of a template send people here with their browser, and get them back.
export function browses(template) {
  return template === mcpClient || template === web;
}

export const redirectHint = "Authorized redirect URLs, one a line. The answer with the code goes to one of these, and nowhere else.";

export async function applicationNewScreen(ctx) {
  const roles = await all("/roles", { signal: ctx.signal });
  const key = crypto.randomUUID();
  const redirects = lines({ name: "redirect_uris", label: "Redirect URLs", hint: redirectHint });
  const own = checks({ name: "roles", label: "Roles of the application", hint: "They stand where a user's roles and consent stand otherwise.", options: roles.map(roleOption), none: "There are no roles yet." });
  const template = choice({ name: "template", label: "Template", value: mcpClient, options: templates, onchange: () => fit() });
  const fit = () => {
    own.node.hidden = template.read() !== machine;
    redirects.node.hidden = !browses(template.read());
  };
  fit();
  const f = form({
    label: "New Application", action: "Create", cancel: () => ctx.go("/admin/applications"),
    fields: [template, text({ name: "name", label: "Name", required: true, placeholder: "Vet Assist AI", hint: "People read it wherever they are asked about it or told of it." }), redirects, own],
    onsave: async (values) => {
      const body = {
        template: values.template, name: values.name,
        ...(values.template === machine ? { roles: values.roles } : null), ...(browses(values.template) ? { redirect_uris: values.redirect_uris } : null),
      };
      const made = await api("POST", "/applications", { body, key });
      draw(created(made));
    },
  });
  return { title: "New Application", up, content: h("div", { class: "card part form" }, f.node) };
}

// created is what the application's programmer needs, and what comes next.
function created(a) {
  return {
    title: `${a.name} is registered`, up, content: h("div", { class: "card part form" },
      shown("Client id", a.client_id),
      a.client_secret ? shown("Client secret", a.client_secret, "It is shown this once; only a hash of it is kept. If it gets lost, rotate it.") : null,
      h("p", null, "It may ask for nothing yet. Next, authorize an API resource for it."),
      a.template === agent ? h("p", null, "Then say, on the Protocol tab of the application that is to hand something over to it, that this is its agent.") : null,
      h("p", null, link(`/admin/applications/${seg(a.id)}?tab=authorization`, "Go on to its Authorization tab", "button"))),
  };
}
