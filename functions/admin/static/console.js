// The administrator's console: an OAuth client in the browser that calls the admin API, and draws a screen for each part of
// it. Plain modules, no build: a screen is a function of one file that reads what it shows and returns it.

import { api } from "./api.js";
import { h, replace } from "./dom.js";
import { begin, finish, Refusal } from "./login.js";
import { draw, hideNavigation, showNavigation, start } from "./router.js";
import { claim, forget, LoginNeeded, logout, mayRefresh } from "./tokens.js";
import { button } from "./ui.js";
import { explain } from "./trouble.js";
import { denied, loggedOut } from "./denied.js";

import { accessScreen } from "./access.js";
import { applicationScreen } from "./application.js";
import { applicationNewScreen } from "./application-new.js";
import { applicationsScreen } from "./applications.js";
import { auditScreen } from "./audit.js";
import { clinicScreen } from "./clinic.js";
import { keysScreen } from "./keys.js";
import { overviewScreen } from "./overview.js";
import { registrationScreen } from "./registration.js";
import { roleScreen } from "./role.js";
import { roleNewScreen, rolesScreen } from "./roles.js";
import { serverScreen } from "./server.js";
import { serverNewScreen, serversScreen } from "./servers.js";
import { issuerNewScreen, issuerScreen } from "./issuer.js";
import { relyingNewScreen, relyingScreen } from "./relying.js";
import { trustScreen } from "./trust.js";
import { userScreen } from "./user.js";
import { userNewScreen } from "./user-new.js";
import { usersScreen } from "./users.js";
import { whyScreen } from "./why.js";

const screens = [
  ["/admin", overviewScreen],
  ["/admin/servers", serversScreen],
  ["/admin/servers/new", serverNewScreen],
  ["/admin/servers/:id", serverScreen],
  ["/admin/users", usersScreen],
  ["/admin/users/new", userNewScreen],
  ["/admin/users/:id", userScreen],
  ["/admin/roles", rolesScreen],
  ["/admin/roles/new", roleNewScreen],
  ["/admin/roles/:name", roleScreen],
  ["/admin/applications", applicationsScreen],
  ["/admin/applications/new", applicationNewScreen],
  ["/admin/applications/:id", applicationScreen],
  ["/admin/registration", registrationScreen],
  ["/admin/trust", trustScreen],
  ["/admin/trust/issuers/new", issuerNewScreen],
  ["/admin/trust/issuers/:id", issuerScreen],
  ["/admin/trust/servers/new", relyingNewScreen],
  ["/admin/trust/servers/:id", relyingScreen],
  ["/admin/access", accessScreen],
  ["/admin/keys", keysScreen],
  ["/admin/audit", auditScreen],
  ["/admin/why", whyScreen],
  ["/admin/clinic", clinicScreen],
];

async function main() {
  await claim();
  if (location.pathname === "/admin/callback") {
    history.replaceState(null, "", await finish());
  } else if (!mayRefresh()) {
    await begin();
  }
  const me = await api("GET", "/me");
  if (!me.scopes.some((s) => s.startsWith("admin:"))) {
    draw(denied(me));
    return;
  }
  who(me);
  showNavigation();
  await start(screens);
}

// who shows whose session this is, below the navigation.
function who(me) {
  replace(document.getElementById("who"), h("p", null, h("strong", null, me.name), h("span", { class: "small muted block" }, me.username)),
    button("Log out", async () => {
      let error = null;
      await logout().catch((e) => { error = e; });
      hideNavigation();
      history.replaceState(null, "", "/admin/");
      draw(loggedOut(error));
    }, "quiet slim"));
}

main().catch(async (error) => {
  if (error instanceof LoginNeeded) { // what was kept of the last visit is over
    forget();
    return begin();
  }
  if (error instanceof Refusal || error.status === 403) {
    forget();
    draw(denied(null, error));
    return undefined;
  }
  draw({ title: "The console cannot start", bare: true, content: [explain(error), button("Try again", () => begin({ returnTo: "/admin/" }), "")] });
  return undefined;
}).catch((error) => draw({ title: "The console cannot start", bare: true, content: [explain(error)] }));
