// Clinic: the demo's data, for workshops: back to the beginning, and snapshots.

import { api, seg } from "./api.js";
import { ask } from "./dialog.js";
import { count, h, when } from "./dom.js";
import { form, text } from "./form.js";
import { list } from "./list.js";
import { attempt } from "./trouble.js";
import { act, button, dangers, empty, section, toast } from "./ui.js";

export async function clinicScreen(ctx) {
  const key = crypto.randomUUID();
  const maker = form({
    label: "New snapshot", action: "Make a snapshot", fields: [text({ name: "name", label: "Name", required: true, placeholder: "Before the workshop" })],
    onsave: async (values) => {
      const made = await api("POST", "/clinic/snapshots", { body: values, key });
      toast(`Kept ${count(made.records, "record")} as “${made.name}”.`);
      await ctx.reload();
    },
  });
  const snapshots = await list(ctx, {
    path: "/clinic/snapshots", caption: "Snapshots", empty: empty("There are no snapshots yet."),
    columns: [
      { title: "Name", cell: (s) => h("strong", null, s.name) },
      { title: "Made", cell: (s) => when(s.created) },
      { title: "Records", cell: (s) => String(s.records) },
      { title: "Action", class: "last", cell: (s) => h("div", { class: "row-actions" }, button("Restore", () => restore(ctx, s), "danger quiet slim"), button("Delete", () => drop(ctx, s), "quiet slim")) },
    ],
  });
  return {
    title: "Clinic", intro: "The pets, appointments and reminders that the MCP server works on. Users, roles and applications are not touched here.",
    content: [
      section("Snapshots", snapshots, h("div", { class: "form" }, maker.node)),
      dangers(act("Reset to the demo's data", "Every pet, appointment and reminder is replaced by the ones that VetAssist comes with, with dates of today.", button("Reset", () => reset(ctx), "danger quiet"))),
    ],
  };
}

async function reset(ctx) {
  if (!(await ask({ title: "Reset the clinic?", typed: "reset", action: "Reset", body: "Everything that was booked, added and changed is gone. Make a snapshot first if you want it back." }))) {
    return;
  }
  const done = await attempt(ctx, () => api("POST", "/clinic/reset"));
  if (done) {
    toast(`The clinic has ${count(done.pets, "pet")} of ${count(done.owners, "owner")} again.`);
    await ctx.reload();
  }
}

async function restore(ctx, s) {
  if (await ask({ title: `Restore “${s.name}”?`, typed: "restore", action: "Restore", body: "The clinic's data of now is replaced by that of the snapshot." })) {
    await attempt(ctx, () => api("POST", `/clinic/snapshots/${seg(s.id)}/restore`), `The clinic is as it was in “${s.name}”.`);
  }
}

async function drop(ctx, s) {
  if (await ask({ title: `Delete the snapshot “${s.name}”?`, body: "The clinic's data of now stays.", action: "Delete" })) {
    await attempt(ctx, async () => {
      await api("DELETE", `/clinic/snapshots/${seg(s.id)}`);
      await ctx.reload();
    }, "The snapshot is deleted.");
  }
}
