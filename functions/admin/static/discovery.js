// Finds the endpoints as every client does: the resource says who its authorization server is (RFC 9728), that one says
// where its endpoints are (RFC 8414). Nothing of it is written down here.

const root = document.getElementById("console");

export const client = {
  id: root.dataset.clientId,
  redirectURI: root.dataset.redirectUri,
  resource: root.dataset.resource,
};

let found = null;

// discover returns the authorization server's metadata.
export function discover() {
  found ??= find().catch((error) => {
    found = null; // the next one tries again
    throw error;
  });
  return found;
}

async function find() {
  const resource = await get(root.dataset.metadata);
  if (resource.resource !== client.resource) { // RFC 9728 §3.3
    throw new Error(`The metadata at ${root.dataset.metadata} is that of another resource, ${resource.resource}.`);
  }
  const issuer = resource.authorization_servers?.[0];
  if (!issuer) {
    throw new Error("The admin API's metadata names no authorization server.");
  }
  const server = await get(wellKnown(issuer));
  if (server.issuer !== issuer) { // RFC 8414 §3.3
    throw new Error(`The metadata of ${issuer} is that of another issuer, ${server.issuer}.`);
  }
  if (!server.code_challenge_methods_supported?.includes("S256")) { // OAuth 2.1 §7.5.2: without PKCE there is no going on
    throw new Error(`${issuer} does not say that it supports PKCE with S256.`);
  }
  return server;
}

// wellKnown puts the well-known path between host and path (RFC 8414 §3.1).
function wellKnown(issuer) {
  const url = new URL(issuer);
  const path = url.pathname === "/" ? "" : url.pathname;
  return `${url.origin}/.well-known/oauth-authorization-server${path}`;
}

async function get(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "omit" });
  if (!response.ok) {
    throw new Error(`${url} answered ${response.status}.`);
  }
  return response.json();
}
