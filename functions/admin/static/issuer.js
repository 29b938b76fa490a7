// One trusted issuer: its keys, what it may say, and who of its people is whom here.

import { all, api, seg } from "./api.js";
import { ask } from "./dialog.js";
import { code, h, when } from "./dom.js";
import { checks, choice, form, json, pairs, select, text, toggle } from "./form.js";
import { list } from "./list.js";
import { userPicker } from "./pick.js";
import { remove } from "./remove.js";
import { attempt } from "./trouble.js";
import { kinds } from "./trust.js";
import { act, button, dangers, empty, facts, link, section, toast } from "./ui.js";

const up = [["/admin/trust", "Trust"]];

// fieldsOf are what may be said of an issuer of a kind. apps are all applications.
function fieldsOf(kind, apps, i) {
  const web = apps.filter((a) => a.template === "Web application with a secret");
  const machines = apps.filter((a) => a.template === "Machine-to-machine application");
  return [
    text({ name: "name", label: "Name", required: true, value: i?.name, of: (r) => r.name, placeholder: kind === "enterprise" ? "Acme" : "Our cluster" }),
    toggle({ name: "enabled", label: "Its word counts", value: i ? i.enabled : true, of: (r) => r.enabled, hint: "When you take this away, what was granted by its word ends too." }),
    text({ name: "jwks_uri", label: "Where its public keys are", mono: true, value: i?.jwks_uri, of: (r) => r.jwks_uri, inputmode: "url", hint: "An https URL of a JWKS out on the Internet. Leave it empty, and the keys below too, and they are found by OpenID Connect Discovery.", placeholder: "https://login.acme.example/keys" }),
    json({ name: "jwks", label: "Or its public keys themselves", value: i?.jwks, of: (r) => r.jwks && JSON.stringify(r.jwks), hint: "A JSON Web Key Set, for an issuer that we cannot reach. You have to change it when the issuer changes its keys." }),
    ...(kind === "enterprise" ? [
      checks({ name: "clients", label: "Applications that may bring its word", values: i?.clients ?? [], of: (r) => r.clients, options: web.map((a) => ({ value: a.id, label: a.name, code: a.client_id })), none: "There is no web application with a secret. Make one first: only who can prove itself may do this." }),
      select({ name: "match", label: "Who is whom", value: i?.match ?? "", of: (r) => r.match, hint: "You link each person on the next page. By a claim, whoever the issuer names with a username here is that user: then you trust it with all of them.", options: [{ value: "", label: "Only who is linked" }, { value: "preferred_username", label: "Else by the claim preferred_username" }, { value: "email", label: "Else by the claim email, when verified" }] }),
    ] : [
      pairs({ name: "workloads", label: "Which program is which application", names: ["subject", "client_id"], value: i?.workloads, of: (r) => r.workloads && JSON.stringify(r.workloads), hint: ["One a line: the subject, a space, and the application's id. A subject may end in :* or /*. ", machines.length ? `Applications: ${machines.slice(0, 8).map((a) => `${a.name} is ${a.id}`).join("; ")}.` : "There is no machine-to-machine application yet."] }),
      toggle({ name: "reusable", label: "A JWT may come again until it expires", value: i?.reusable, of: (r) => r.reusable, hint: "Kubernetes hands out one and the same for an hour. Otherwise each counts once." }),
    ]),
  ];
}

// body leaves out what is empty.
function body(values) {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== ""));
}

export async function issuerNewScreen(ctx) {
  const kind = ctx.query.get("kind") === "workload" ? "workload" : "enterprise";
  const apps = await all("/applications", { signal: ctx.signal });
  const f = form({
    label: "Trust an issuer", action: "Trust it", cancel: () => ctx.go("/admin/trust"),
    fields: [
      choice({ name: "kind", label: "It vouches for", value: kind, onchange: (event) => ctx.go(`/admin/trust/issuers/new?kind=${event.target.value}`), options: [
        { value: "enterprise", label: "People of a company", hint: "Its login signs an ID-JAG for them (Enterprise-Managed Authorization)." },
        { value: "workload", label: "Programs of a platform", hint: "Such as Kubernetes or a CI system, which gives each a JWT (workload identity)." }] }),
      text({ name: "issuer", label: "Issuer", required: true, mono: true, inputmode: "url", hint: "The iss of its JWTs, letter for letter. It never changes.", placeholder: "https://login.acme.example" }),
      ...fieldsOf(kind, apps)],
    onsave: async (values) => {
      const made = await api("POST", "/trusted-issuers", { body: body(values) });
      toast(`${made.name} is trusted.`);
      await ctx.go(`/admin/trust/issuers/${seg(made.id)}`);
    },
  });
  return { title: "Trust an issuer", up, content: h("div", { class: "card part form" }, f.node) };
}

export async function issuerScreen(ctx) {
  const path = `/trusted-issuers/${seg(ctx.params.id)}`;
  const [issuer, apps] = await Promise.all([api("GET", path, { signal: ctx.signal }), all("/applications", { signal: ctx.signal })]);
  const f = form({
    label: "What it may do", fields: fieldsOf(issuer.kind, apps, issuer), record: { etag: issuer.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    onsave: async (values, etag) => {
      await api("PUT", path, { etag, body: body(values) });
      toast("Saved.");
      await ctx.reload();
    },
  });
  return {
    title: issuer.name, up,
    content: [
      section("What it may do", facts([["Issuer", code(issuer.issuer)], ["Vouches for", kinds[issuer.kind]], ["Trusted since", when(issuer.created)]]), f.node),
      issuer.kind === "enterprise" ? await links(ctx, `${path}/links`, issuer) : null,
      dangers(act("Trust it no more", "What was granted by its word ends, and its links are forgotten.", button("Delete", () => remove(ctx, {
        path, etag: issuer.etag, what: issuer.name, then: "/admin/trust", consequences: "Its people or programs get no token here any more.",
      }), "danger quiet"))),
    ],
  };
}

async function links(ctx, path, issuer) {
  const who = userPicker({ name: "user_id", label: "User here", hint: "Type how the username begins." });
  const adder = form({
    label: "Link somebody", action: "Link", fields: [text({ name: "subject", label: `Subject at ${issuer.name}`, required: true, mono: true, hint: "The sub of its JWTs, letter for letter." }), who],
    onsave: async (values) => {
      if (!values.user_id) {
        who.fail("Choose a user from the list.");
        return;
      }
      await api("POST", path, { body: values });
      toast("Linked.");
      await ctx.reload();
    },
  });
  const linked = await list(ctx, {
    path, caption: `Who at ${issuer.name} is whom here`, search: "Search by subject", empty: empty("Nobody is linked yet."),
    columns: [
      { title: "Subject", cell: (l) => code(l.subject) },
      { title: "User", cell: (l) => (l.username ? link(`/admin/users/${seg(l.user_id)}`, l.username) : l.user_id) },
      { title: "Since", cell: (l) => when(l.since) },
      { title: "Action", class: "last", cell: (l) => button("Remove", async () => {
        if (await ask({ title: `Remove the link of ${l.subject}?`, body: `What was granted by it ends. ${l.username || l.user_id} can still log in here.`, action: "Remove" })) {
          await attempt(ctx, async () => {
            await api("DELETE", `${path}/${seg(l.id)}`);
            await ctx.reload();
          }, "The link is removed.");
        }
      }, "quiet slim") },
    ],
  });
  return [section("Link somebody", adder.node), section("Who is whom", linked)];
}
