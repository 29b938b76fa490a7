// One authorization server elsewhere that takes our word for our people.

import { all, api, seg } from "./api.js";
import { code, h, when } from "./dom.js";
import { form, lines, pairs, text, toggle } from "./form.js";
import { remove } from "./remove.js";
import { act, button, dangers, facts, section, toast } from "./ui.js";

const up = [["/admin/trust", "Trust"]];

function fieldsOf(apps, s) {
  const web = apps.filter((a) => a.template === "Web application with a secret");
  return [
    text({ name: "name", label: "Name", required: true, value: s?.name, of: (r) => r.name, placeholder: "The chat company" }),
    toggle({ name: "enabled", label: "Our word is given to it", value: s ? s.enabled : true, of: (r) => r.enabled }),
    lines({ name: "resources", label: "MCP servers there", required: true, value: s?.resources, of: (r) => r.resources, hint: "The resources that it guards, one a line." }),
    lines({ name: "scopes", label: "Scopes", required: true, value: s?.scopes, of: (r) => r.scopes, hint: "That may be asked for there, one a line. The server there decides in the end." }),
    pairs({ name: "clients", label: "Applications that may bring our word", names: ["id", "client_id"], value: s?.clients, of: (r) => r.clients && JSON.stringify(r.clients), hint: ["One a line: the application's id here, a space, and its client id there. ", web.length ? `Applications: ${web.slice(0, 8).map((a) => `${a.name} is ${a.id}`).join("; ")}.` : "There is no web application with a secret yet: only who can prove itself may do this."] }),
  ];
}

export async function relyingNewScreen(ctx) {
  const apps = await all("/applications", { signal: ctx.signal });
  const f = form({
    label: "Add a server", action: "Add", cancel: () => ctx.go("/admin/trust"),
    fields: [text({ name: "issuer", label: "Issuer", required: true, mono: true, inputmode: "url", hint: "Its issuer identifier, letter for letter: the audience of what we sign for it. It never changes.", placeholder: "https://auth.chat.example" }), ...fieldsOf(apps)],
    onsave: async (values) => {
      const made = await api("POST", "/relying-servers", { body: values });
      toast(`Added ${made.name}.`);
      await ctx.go(`/admin/trust/servers/${seg(made.id)}`);
    },
  });
  return { title: "A server that takes our word", up, content: h("div", { class: "card part form" }, f.node) };
}

export async function relyingScreen(ctx) {
  const path = `/relying-servers/${seg(ctx.params.id)}`;
  const [server, apps] = await Promise.all([api("GET", path, { signal: ctx.signal }), all("/applications", { signal: ctx.signal })]);
  const f = form({
    label: "What our word is good for", fields: fieldsOf(apps, server), record: { etag: server.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    onsave: async (values, etag) => {
      await api("PUT", path, { etag, body: values });
      toast("Saved.");
      await ctx.reload();
    },
  });
  return {
    title: server.name, up,
    content: [
      section("What our word is good for", facts([["Issuer", code(server.issuer)], ["Since", when(server.created)]]), f.node),
      dangers(act("Give it our word no more", "What was signed for it lasts five minutes at most.", button("Delete", () => remove(ctx, {
        path, etag: server.etag, what: server.name, then: "/admin/trust", consequences: "Our people get no token there by our word any more.",
      }), "danger quiet"))),
    ],
  };
}
