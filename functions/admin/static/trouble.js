// What a person reads when a call fails, and what they can do then.

import { h, replace } from "./dom.js";
import { begin } from "./login.js";
import { LoginNeeded } from "./tokens.js";
import { toast } from "./ui.js";

// explain describes an error, with the button that helps.
export function explain(error, more = []) {
  if (error instanceof LoginNeeded) {
    return notice("Your login here has ended. Log in again to go on.", loginButton("Log in again"));
  }
  if (error.needsScope) {
    return notice("You did not allow this console to change anything (scope admin:write).", loginButton("Allow it", "consent"));
  }
  if (error instanceof TypeError || error instanceof ReferenceError) {
    console.error(error); // a mistake of ours; what we throw for people to read is another kind of Error
  }
  const list = more.length ? h("ul", null, more.map((m) => h("li", null, m))) : null;
  return notice(error.message, list);
}

function notice(text, ...more) {
  return h("div", { class: "notice bad" }, h("p", null, text), ...more);
}

function loginButton(text, prompt) {
  return h("button", { type: "button", class: "quiet slim", onclick: () => begin({ prompt }).catch((error) => toast(error.message, "bad")) }, text);
}

// attempt does what a button stands for. Errors go to the top of the screen, and a record that somebody else changed is
// loaded anew. What ends with its screen is no error.
export async function attempt(ctx, work, done) {
  try {
    const result = await work();
    if (done) {
      toast(done);
    }
    return result;
  } catch (error) {
    if (error.status === 412) {
      toast("Somebody else changed this; here is how it is now.", "warn");
      await ctx.reload();
    } else if (error.name !== "AbortError") {
      trouble(error);
    }
    return undefined;
  }
}

// trouble shows an error above the screen's content.
export function trouble(error) {
  const box = document.getElementById("trouble");
  replace(box, explain(error));
  box.focus();
}
