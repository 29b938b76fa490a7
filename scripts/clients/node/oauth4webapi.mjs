// oauth4webapi, the strictest of the libraries: a judge of the authorization server, and of the tokens that it makes.
import * as oauth from 'oauth4webapi';
import { attempt, browser, clientKey, confidential, expect, issuer, keyDocument, mcp, redirect, registered, saysLoggedOut } from './common.mjs';

const local = { [oauth.allowInsecureRequests]: true }; // http, on this machine
const scope = 'pet-profile:read';
let as;

await attempt('discovery', async () => {
  const url = new URL(issuer);
  as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...local }));
});
await attempt('resource', async () => {
  const url = new URL(mcp);
  const resource = await oauth.processResourceDiscoveryResponse(url, await oauth.resourceDiscoveryRequest(url, local));
  expect(resource.authorization_servers[0] === issuer, JSON.stringify(resource));
});

// login sends Bob to the authorization server, and judges its answer.
async function login(client, change = () => {}, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code', client_id: client.client_id, redirect_uri: redirect, scope, state, resource: mcp,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more,
  });
  const back = await browser(url);
  change(back.searchParams);
  return { params: oauth.validateAuthResponse(as, client, back, state), verifier };
}

async function swap(client, auth, { params, verifier }) {
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, params, redirect, verifier, { additionalParameters: { resource: mcp }, ...local });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response);
  expect(tokens.token_type === 'bearer' && tokens.scope === scope && tokens.expires_in > 0, JSON.stringify(Object.keys(tokens)));
  return tokens;
}

const withLogin = async (client, auth) => swap(client, auth, await login(client));
const refreshed = async (client, auth, token) =>
  oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token, { additionalParameters: { resource: mcp }, ...local }));

// refuses expects one error of OAuth in the form that RFC 6749 §5.2 asks for.
async function refuses(code, status, work) {
  await work().then(() => expect(false, `it did not refuse with ${code}`), error => {
    if (error instanceof oauth.WWWAuthenticateChallengeError && status === 401) return; // and its body is an error, too
    if (!(error instanceof oauth.ResponseBodyError) || error.error !== code || error.status !== status) throw error;
  });
}

const open = { client_id: registered.client_id }, none = oauth.None();
const secret = { client_id: confidential.client_id }, post = oauth.ClientSecretPost(confidential.client_secret);
let tokens;
await attempt('code', async () => {
  tokens = await withLogin(open, none);
});
await attempt('iss', async () => {
  await login(open, answer => answer.set('iss', 'https://attacker.example')).then(() => expect(false, 'it takes another issuer'), error => expect(/"iss"/.test(error.message), error.message));
  await login(open, answer => answer.delete('iss')).then(() => expect(false, 'it needs no issuer'), error => expect(/"iss"/.test(error.message), error.message));
});
await attempt('jwt', async () => {
  const request = new Request(mcp, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, mcp, local); // RFC 9068, with the keys that the metadata names
  expect(claims.client_id === open.client_id && claims.scope === scope, JSON.stringify(claims));
});
await attempt('refresh', async () => {
  const before = tokens;
  tokens = await refreshed(open, none, tokens.refresh_token);
  expect(tokens.refresh_token !== before.refresh_token && tokens.scope === scope, 'the refresh token is the same');
});
await attempt('openid', async () => {
  const url = new URL(issuer);
  const op = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oidc', ...local }));
  const nonce = oauth.generateRandomNonce();
  const answer = await login(open, undefined, { scope: `openid profile ${scope}`, nonce, max_age: '300' });
  const response = await oauth.authorizationCodeGrantRequest(op, open, none, answer.params, redirect, answer.verifier, { additionalParameters: { resource: mcp }, ...local });
  const known = await oauth.processAuthorizationCodeResponse(op, open, response, { expectedNonce: nonce, maxAge: 300, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(op, response, local);
  const claims = oauth.getValidatedIdTokenClaims(known);
  const info = await oauth.processUserInfoResponse(op, open, claims.sub, await oauth.userInfoRequest(op, open, known.access_token, local));
  expect(info.preferred_username === 'bob' && info.name === claims.name, JSON.stringify(info));
  const again = await refreshed(open, none, known.refresh_token);
  expect(oauth.getValidatedIdTokenClaims(again).sub === claims.sub, 'the refresh is about somebody else');
  const replayed = await login(open, undefined, { scope: `openid ${scope}`, nonce: 'another' });
  const other = await oauth.authorizationCodeGrantRequest(op, open, none, replayed.params, redirect, replayed.verifier, local);
  await oauth.processAuthorizationCodeResponse(op, open, other, { expectedNonce: nonce }).then(() => expect(false, 'it takes another nonce'), error => expect(/nonce/.test(error.message), error.message));
  const out = new URL(op.end_session_endpoint);
  out.search = new URLSearchParams({ id_token_hint: known.id_token });
  await saysLoggedOut(out);
});
await attempt('basic', async () => void (await withLogin(secret, oauth.ClientSecretBasic(confidential.client_secret))));
await attempt('post', async () => void (await withLogin(secret, post)));
await attempt('key', async () => {
  const client = { client_id: keyDocument };
  await withLogin(client, oauth.PrivateKeyJwt(await clientKey()));
});
await attempt('machine', async () => {
  const machine = JSON.parse(process.env.MACHINE);
  const client = { client_id: machine.client_id };
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic(machine.client_secret), { resource: mcp, scope }, local);
  expect((await oauth.processClientCredentialsResponse(as, client, response)).scope === scope, 'it got another scope');
});
await attempt('errors', async () => {
  const answer = await login(open);
  await refuses('invalid_grant', 400, () => swap(open, none, { ...answer, verifier: oauth.generateRandomCodeVerifier() }));
  await refuses('invalid_grant', 400, () => refreshed(open, none, 'never-issued'));
  await refuses('invalid_client', 401, () => refreshed(secret, oauth.ClientSecretBasic('wrong'), 'never-issued'));
  await refuses('invalid_client', 401, () => refreshed(secret, oauth.ClientSecretPost('wrong'), 'never-issued'));
});
await attempt('registration', async () => {
  const metadata = { client_name: 'oauth4webapi', redirect_uris: [redirect], token_endpoint_auth_method: 'none', application_type: 'native' };
  const client = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, metadata, local));
  await withLogin(client, none);
});
await attempt('introspection', async () => {
  const own = await withLogin(secret, post);
  const ask = async token => oauth.processIntrospectionResponse(as, secret, await oauth.introspectionRequest(as, secret, post, token, local));
  expect((await ask(own.access_token)).active && !(await ask('never-issued')).active, 'what is active is not');
});
await attempt('revocation', async () => {
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, open, none, tokens.refresh_token, local));
  await refuses('invalid_grant', 400, () => refreshed(open, none, tokens.refresh_token));
});
await attempt('dpop', async () => {
  const DPoP = oauth.DPoP(open, await oauth.generateKeyPair('ES256'));
  const twice = work => work().catch(error => (oauth.isDPoPNonceError(error) ? work() : Promise.reject(error))); // each server has nonces of its own
  const answer = await login(open);
  const more = { DPoP, additionalParameters: { resource: mcp }, ...local };
  const bound = await twice(async () =>
    oauth.processAuthorizationCodeResponse(as, open, await oauth.authorizationCodeGrantRequest(as, open, none, answer.params, redirect, answer.verifier, more)));
  expect(bound.token_type === 'dpop', `the token is of type ${bound.token_type}`);
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  const list = proof => oauth.protectedResourceRequest(bound.access_token, 'POST', new URL(mcp), new Headers(headers),
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }), { ...proof, ...local });
  expect((await twice(() => list({ DPoP }))).status === 200, 'the MCP server refuses it');
  await list({}).then(() => expect(false, 'it passes as a bearer token'), error => expect(error.cause?.[0]?.parameters.error === 'invalid_token', error.message));
  await refuses('invalid_dpop_proof', 400, () => refreshed(open, none, bound.refresh_token));
  const next = await twice(async () => oauth.processRefreshTokenResponse(as, open, await oauth.refreshTokenGrantRequest(as, open, none, bound.refresh_token, more)));
  expect(next.token_type === 'dpop', `the next token is of type ${next.token_type}`);
});
