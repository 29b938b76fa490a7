// Registration: who may register an application without an administrator, and the initial access tokens for it.

import { api, seg } from "./api.js";
import { ask, formDialog, tell } from "./dialog.js";
import { badge, code, h, when } from "./dom.js";
import { discover } from "./discovery.js";
import { text } from "./form.js";
import { list } from "./list.js";
import { attempt } from "./trouble.js";
import { button, empty, facts, shown } from "./ui.js";

const who = { open: "anybody", token: "only who has an initial access token", off: "nobody" };

export async function registrationScreen(ctx) {
  const [{ registration_endpoint: endpoint }, { setting }] = await Promise.all([discover(), api("GET", "/registration", { signal: ctx.signal })]);
  return {
    title: "Registration",
    intro: "MCP hosts can register themselves, if the setting VETASSIST_REGISTRATION lets them.",
    actions: button("New token", () => make(ctx, endpoint), ""),
    content: [
      facts([["Who may register", [code(setting), " ", who[setting]]], endpoint ? ["At", code(endpoint)] : null]),
      endpoint ? h("p", null, "They may ask users for the scopes that a server opens to such applications, and for no others.")
        : h("p", { class: "notice warn" }, "Registration is off here, so a token is good for nothing until the setting is ", code("token"), "."),
      await list(ctx, {
        path: "/registration-tokens", caption: "Initial access tokens", empty: empty("There are no initial access tokens."),
        columns: [
          { title: "For", cell: (t) => [h("strong", null, t.note), t.uses ? null : [" ", badge("used up", "warn")]] },
          { title: "Applications left", cell: (t) => String(t.uses) },
          { title: "Made by", cell: (t) => t.created_by },
          { title: "Made", cell: (t) => when(t.created) },
          { title: "Ends", cell: (t) => when(t.expires) },
          { title: "Action", class: "last", cell: (t) => button("Delete", () => drop(ctx, t), "danger quiet slim") },
        ],
      }),
    ],
  };
}

function number(name, label, value, hint) {
  const field = text({ name, label, value: String(value), hint, required: true, inputmode: "numeric" });
  return { ...field, read: () => (/^\d+$/.test(field.read()) ? Number(field.read()) : field.read()) }; // what is no number is for the API to refuse
}

async function make(ctx, endpoint) {
  const made = await formDialog({
    title: "New initial access token", action: "Make it", intro: "Whoever has it can register applications, as many as you say here and for as long.",
    fields: [
      text({ name: "note", label: "For", required: true, placeholder: "Workshop on Tuesday", hint: "What it is for, or who gets it." }),
      number("uses", "Applications", 1, "How many can be registered with it, 1000 at most."),
      number("days", "Days", 7, "How long it works, 90 at most."),
    ],
    onsave: (values) => api("POST", "/registration-tokens", { body: values }),
  });
  if (made) {
    await tell({
      title: "The new token", action: "I have it",
      body: [shown("Initial access token", made.token, "It is shown this once; only a hash of it is kept."),
        endpoint ? h("p", { class: "small muted" }, "A program sends it to ", code(endpoint), " in the header ", code("Authorization: Bearer …"), ".") : null],
    });
    await ctx.reload();
  }
}

async function drop(ctx, t) {
  if (!(await ask({ title: `Delete the token for ${t.note}?`, body: "Nothing can be registered with it any more. What was registered with it stays.", action: "Delete" }))) {
    return;
  }
  await attempt(ctx, async () => {
    await api("DELETE", `/registration-tokens/${seg(t.id)}`);
    await ctx.reload();
  }, "The token is deleted.");
}
