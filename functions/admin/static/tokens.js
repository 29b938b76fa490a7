// The tokens of this tab.
//
// The access token is kept in memory only. The refresh token is in the tab's sessionStorage, so that a reload needs no
// way through the authorization server; it is gone when the tab is closed, and no other tab sees it. A script of somebody
// else that ran in this page could use either of them, wherever they were kept (draft-ietf-oauth-browser-based-apps §5.1);
// what keeps such scripts out is the page's policy: files of this origin only, nothing inline, no HTML written. What a
// thief of the refresh token could do is bounded by rotation: the second to use it ends the grant (RFC 9700 §4.14.2).
//
// Each tab has a grant of its own, so two tabs never refresh the same token. One thing would break that: a browser copies
// sessionStorage when a tab is duplicated. So a tab holds a lock for as long as it lives; a copy finds the lock taken,
// forgets what it copied, and logs in by itself.

import { client, discover } from "./discovery.js";

const refreshKey = "vetassist-console.refresh";
const tabKey = "vetassist-console.tab";
const early = 30_000; // ms before its end at which a token counts as expired: it has a way to go

let access = null; // {token, until}
let refreshing = null;

// LoginNeeded says that only a person can go on.
export class LoginNeeded extends Error {
  constructor() {
    super("Your login here has ended.");
  }
}

// claim makes the tokens in sessionStorage this tab's own, or forgets them. It comes before everything else.
export async function claim() {
  const tab = sessionStorage.getItem(tabKey);
  if (tab && (await hold(tab))) {
    return;
  }
  sessionStorage.removeItem(refreshKey);
  const fresh = crypto.randomUUID();
  sessionStorage.setItem(tabKey, fresh);
  await hold(fresh);
}

// hold takes a lock until the page goes. A page that reloads may have to wait a moment for the page before it.
function hold(name) {
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(`vetassist-console ${name}`, { signal: AbortSignal.timeout(1000) }, held).catch(() => resolve(false));
  });
}

export function mayRefresh() {
  return sessionStorage.getItem(refreshKey) !== null;
}

// accessToken is one that is good for a while yet. It may throw LoginNeeded.
export async function accessToken() {
  if (!access || Date.now() > access.until - early) {
    await refresh();
  }
  return access.token;
}

// refresh gets new tokens; who comes while that is under way waits for the same ones.
export function refresh() {
  refreshing ??= renew().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

async function renew() {
  const token = sessionStorage.getItem(refreshKey);
  if (!token) {
    throw new LoginNeeded();
  }
  const answer = await tokenRequest({ grant_type: "refresh_token", refresh_token: token, resource: client.resource });
  if (answer.error === "invalid_grant" || answer.error === "invalid_scope" || answer.error === "invalid_target" || answer.error === "access_denied") {
    forget(); // revoked, over, or nothing is left of what it allowed
    throw new LoginNeeded();
  }
  keep(answer);
}

// redeem exchanges the code for the first tokens.
export async function redeem(code, verifier) {
  keep(await tokenRequest({
    grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: client.redirectURI, resource: client.resource,
  }));
}

async function tokenRequest(params) {
  const { token_endpoint: endpoint } = await discover();
  const response = await fetch(endpoint, {
    method: "POST", body: new URLSearchParams({ client_id: client.id, ...params }), credentials: "omit", // a token endpoint needs no cookie
    headers: { Accept: "application/json" },
  });
  return response.json();
}

function keep(answer) {
  if (answer.error || !answer.access_token || answer.token_type?.toLowerCase() !== "bearer") {
    throw new Error(`The authorization server gave no token: ${answer.error_description ?? answer.error ?? "it did not say why"}`);
  }
  access = { token: answer.access_token, until: Date.now() + answer.expires_in * 1000 };
  if (answer.refresh_token) {
    sessionStorage.setItem(refreshKey, answer.refresh_token);
  }
}

export function forget() {
  access = null;
  sessionStorage.removeItem(refreshKey);
}

// logout ends the grant at the authorization server (RFC 7009), not only here.
export async function logout() {
  const token = sessionStorage.getItem(refreshKey) ?? access?.token;
  forget();
  if (!token) {
    return;
  }
  const { revocation_endpoint: endpoint } = await discover();
  const response = await fetch(endpoint, { method: "POST", body: new URLSearchParams({ client_id: client.id, token }), credentials: "omit" });
  if (!response.ok) {
    throw new Error(`The authorization server answered ${response.status}.`);
  }
}
