// The two pages without a login: who may not come in, and who has left.

import { h, replace } from "./dom.js";
import { begin } from "./login.js";
import { explain } from "./trouble.js";
import { button } from "./ui.js";

// denied is for people who are no administrators. me is null when the authorization server gave no token at all: then only
// that server knows who is logged in there.
export function denied(me, error) {
  const box = h("div", null);
  const go = (text, options, className) => button(text, () => begin(options).catch((e) => replace(box, explain(e))), className);
  return {
    title: "This console is for administrators", bare: true, content: h("div", { class: "card narrow" },
      me ? h("p", null, "You are logged in as ", h("strong", null, me.name), ` (${me.username}), whose roles allow nothing here.`)
        : h("p", null, "Whoever is logged in was allowed nothing here, or refused. ", h("a", { href: "/oauth/logout", target: "_blank", rel: "noreferrer" }, "See who is logged in")),
      h("p", null, "A user needs the role Administrator. Another administrator can give it."),
      error ? h("p", { class: "small muted" }, "The answer was: ", h("code", null, error.code ?? String(error.status)), error.message === error.code ? null : ` ${error.message}`) : null,
      box, h("div", { class: "actions" }, go("Log in as somebody else", { prompt: "login", returnTo: "/admin/" }, ""), go("Try again", { returnTo: "/admin/" }, "quiet"))),
  };
}

export function loggedOut(error) {
  const box = h("div", null, error ? h("div", { class: "notice warn" }, h("p", null, `This tab has forgotten its tokens, but could not tell the authorization server: ${error.message}`)) : null);
  return {
    title: "Logged out", bare: true, content: h("div", { class: "card narrow" }, box,
      h("p", null, "This console's access has been revoked. Your login at the authorization server goes on, for it may serve other applications too. ",
        h("a", { href: "/oauth/logout" }, "End that as well")),
      h("div", { class: "actions" }, button("Log in", () => begin({ returnTo: "/admin/" }).catch((e) => replace(box, explain(e))), ""))),
  };
}
