// The way to a token: authorization code with PKCE (OAuth 2.1 §4.1, RFC 7636), in this window.

import { client, discover } from "./discovery.js";
import { redeem } from "./tokens.js";

const pendingKey = "vetassist-console.pending.";
const scope = "admin:read admin:write";

// begin leaves for the authorization server; afterwards the tab is back at the screen that it left.
export async function begin({ prompt, returnTo } = {}) {
  if (!crypto.subtle) {
    throw new Error("Browsers give what a login needs only to pages that came by https or from this computer (localhost).");
  }
  const server = await discover();
  const [state, verifier] = [random(), random()];
  dropPending();
  // Bound to this tab and to the issuer that is asked: an answer to another tab or of another server finds nothing here.
  sessionStorage.setItem(pendingKey + state, JSON.stringify({ verifier, issuer: server.issuer, returnTo: returnTo ?? here() }));
  const query = new URLSearchParams({
    response_type: "code", client_id: client.id, redirect_uri: client.redirectURI, scope, state, resource: client.resource,
    code_challenge: await challenge(verifier), code_challenge_method: "S256",
  });
  if (prompt) {
    query.set("prompt", prompt);
  }
  location.assign(`${server.authorization_endpoint}?${query}`);
  await new Promise(() => {}); // the page is leaving
}

// here is the screen that is wanted. Coming back to the callback would help nobody.
function here() {
  return location.pathname === "/admin/callback" ? "/admin/" : location.pathname + location.search;
}

// Refusal is an error that the authorization server sent back (RFC 6749 §4.1.2.1).
export class Refusal extends Error {
  constructor(code, description) {
    super(description || code);
    this.code = code;
  }
}

// finish takes the answer that is in the address and returns the screen to go on with.
export async function finish() {
  const answer = new URLSearchParams(location.search);
  history.replaceState(null, "", "/admin/callback"); // a code belongs into no history
  const key = pendingKey + answer.get("state");
  const pending = JSON.parse(sessionStorage.getItem(key) ?? "null");
  if (!pending) {
    throw new Error("This answer belongs to no login that began in this tab. Please log in again.");
  }
  sessionStorage.removeItem(key);
  if (answer.get("iss") !== pending.issuer) { // RFC 9207 §2.4: before anything else is believed, and as a string
    throw new Error("This answer comes from another authorization server than the one that was asked.");
  }
  if (answer.has("error")) {
    throw new Refusal(answer.get("error"), answer.get("error_description"));
  }
  if (!answer.get("code")) {
    throw new Error("The authorization server's answer has no code.");
  }
  await redeem(answer.get("code"), pending.verifier);
  return pending.returnTo;
}

// dropPending forgets logins that were begun here and never came back.
function dropPending() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(pendingKey)) {
      sessionStorage.removeItem(key);
    }
  }
}

// random is 256 bits as base64url, which fits both state and code_verifier (RFC 7636 §4.1).
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
