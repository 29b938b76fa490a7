// Applications › New Application: choose a template, fill in what it needs, and see what the application gets.

import { all, api, seg } from "./api.js";
import { h } from "./dom.js";
import { checks, choice, form, lines, text } from "./form.js";
import { draw } from "./router.js";
import { link, shown } from "./ui.js";
import { roleOption } from "./user-new.js";

const up = [["/admin/applications", "Applications"]];

const mcpClient = "MCP client application";
export const machine = "Machine-to-machine application";
const templates = [
  { value: mcpClient, label: mcpClient, hint: "An MCP host or chat app that acts for its users. It proves itself with PKCE and keeps no secret." },
  { value: "Web application with a secret", label: "Web application with a secret", hint: "Acts for its users, and runs on a server that can keep a secret." },
  { value: machine, label: machine, hint: "Acts for nobody but itself: a job or a service, with a secret and roles of its own." },
];

export const redirectHint = "Authorized redirect URLs, one a line. The answer with the code goes to one of these, and nowhere else.";

export async function applicationNewScreen(ctx) {
  const roles = await all("/roles", { signal: ctx.signal });
  const key = crypto.randomUUID();
  const redirects = lines({ name: "redirect_uris", label: "Redirect URLs", hint: redirectHint });
  const own = checks({ name: "roles", label: "Roles of the application", hint: "They stand where a user's roles and consent stand otherwise.", options: roles.map(roleOption), none: "There are no roles yet." });
  const template = choice({ name: "template", label: "Template", value: mcpClient, options: templates, onchange: () => fit() });
  const fit = () => {
    own.node.hidden = template.read() !== machine;
    redirects.node.hidden = template.read() === machine;
  };
  fit();
  const f = form({
    label: "New Application", action: "Create", cancel: () => ctx.go("/admin/applications"),
    fields: [template, text({ name: "name", label: "Name", required: true, placeholder: "Vet Assist AI", hint: "People read it on the consent page." }), redirects, own],
    onsave: async (values) => {
      const alone = values.template === machine;
      const body = { template: values.template, name: values.name, ...(alone ? { roles: values.roles } : { redirect_uris: values.redirect_uris }) };
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
      h("p", null, link(`/admin/applications/${seg(a.id)}?tab=authorization`, "Go on to its Authorization tab", "button"))),
  };
}
