// Signing keys: which one signs, which one comes next, which ones are published until their last token has expired.

import { api, seg } from "./api.js";
import { ask } from "./dialog.js";
import { badge, code, h, when } from "./dom.js";
import { list } from "./list.js";
import { attempt } from "./trouble.js";
import { button, empty } from "./ui.js";

const states = { current: ["signs now", "good"], next: ["signs next", ""], retiring: ["published only", "warn"] };

export async function keysScreen(ctx) {
  return {
    title: "Signing keys",
    intro: "Access tokens are signed with ES256. A key is published before it signs, and stays published until the last token of it has expired.",
    actions: button("Rotate", async () => {
      if (await ask({ title: "Rotate the signing key?", body: "A new key is published, and signs as soon as every resource server can know it. Tokens that were given out stay valid.", action: "Rotate", danger: false })) {
        await attempt(ctx, async () => {
          await api("POST", "/keys", { key: crypto.randomUUID() });
          await ctx.reload();
        }, "A new key is on its way.");
      }
    }, ""),
    content: [
      await list(ctx, {
        path: "/keys", caption: "Signing keys", empty: empty("There is no key yet. The first token makes one."),
        columns: [
          { title: "Key", class: "long", cell: (k) => code(k.kid) },
          { title: "State", cell: (k) => badge(...(states[k.state] ?? [k.state])) },
          { title: "Created", cell: (k) => when(k.created) },
          { title: "Signs from", cell: (k) => when(k.signs_from) },
          { title: "Signs until", cell: (k) => when(k.signs_until) },
          { title: "Published until", cell: (k) => when(k.published_until) },
          { title: "Action", class: "last", cell: (k) => (k.state === "current" ? h("span", { class: "small muted" }, "in use") : button("Retire", () => retire(ctx, k), "danger quiet slim")) },
        ],
      }),
      h("p", { class: "small muted" }, "What the world sees of them: ", h("a", { href: "/.well-known/jwks.json", target: "_blank", rel: "noreferrer" }, "the key set (JWKS)"), "."),
    ],
  };
}

async function retire(ctx, k) {
  if (!(await ask({
    title: "Retire this key?", typed: k.kid.slice(0, 6), action: "Retire",
    body: ["Its public half is taken down. Every access token that it signed is refused from then on, as far as resource servers have noticed. Do this when a key has leaked."],
  }))) {
    return;
  }
  await attempt(ctx, async () => {
    await api("DELETE", `/keys/${seg(k.kid)}`);
    await ctx.reload();
  }, "The key is retired.");
}
