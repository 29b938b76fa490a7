// The forms of an application's tabs.

import { api } from "./api.js";
import { form } from "./form.js";
import { toast } from "./ui.js";

// editor is a form that patches the application. check throws when what was entered is not complete.
export function editor(ctx, path, app, label, fields, check = () => {}) {
  return form({
    label, fields, record: { etag: app.etag, load: () => api("GET", path) }, onreload: ctx.reload,
    onsave: async (values, etag) => {
      check();
      await api("PATCH", path, { etag, body: values });
      toast("Saved.");
      await ctx.reload();
    },
  }).node;
}
