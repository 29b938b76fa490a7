// openid-client, a judge of the authorization server: the flows of a relying party, as its documentation shows them.
import * as client from 'openid-client';
import { attempt, browser, clientKey, confidential, expect, issuer, keyDocument, lacks, mcp, redirect, registered, saysLoggedOut } from './common.mjs';

const scope = 'pet-profile:read';
const server = new URL(issuer);
const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }; // http, on this machine
const known = (id, auth) => client.discovery(server, id, undefined, auth, options);

let open;
await attempt('discovery', async () => {
  open = await known(registered.client_id, client.None());
  expect(open.serverMetadata().supportsPKCE(), 'no PKCE');
});
const resource = Object.keys(client).filter(name => /protectedresourcemetadata|resourcediscovery/i.test(name));
if (resource.length) await attempt('resource', () => expect(false, `it can now: ${resource}`));
else lacks('resource', 'no call for the metadata of a resource');

async function login(config, change = () => {}, proof = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const back = await browser(client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope, state: expectedState, resource: mcp,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  }));
  change(back.searchParams);
  const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState }, { resource: mcp }, proof);
  expect(tokens.scope === scope && tokens.expiresIn() > 0, `the scope is ${tokens.scope}`);
  return tokens;
}

async function refuses(code, status, work) {
  await work().then(() => expect(false, `it did not refuse with ${code}`), error => {
    if (error instanceof client.WWWAuthenticateChallengeError && status === 401) return;
    if (!(error instanceof client.ResponseBodyError) || error.error !== code || error.status !== status) throw error;
  });
}

let tokens;
await attempt('code', async () => {
  tokens = await login(open);
});
await attempt('iss', () =>
  login(open, answer => answer.set('iss', 'https://attacker.example')).then(() => expect(false, 'it takes another issuer'), error => expect(/"iss"/.test(error.cause?.message ?? error.message), error.message)));
lacks('jwt', 'it does not look into access tokens');
await attempt('refresh', async () => {
  const before = tokens;
  tokens = await client.refreshTokenGrant(open, tokens.refresh_token, { resource: mcp });
  expect(tokens.refresh_token !== before.refresh_token && tokens.scope === scope, 'the refresh token is the same');
});
await attempt('openid', async () => {
  const config = await client.discovery(server, registered.client_id, { id_token_signed_response_alg: 'ES256' }, client.None(), { execute: options.execute });
  client.enableNonRepudiationChecks(config); // the signature, too
  const pkceCodeVerifier = client.randomPKCECodeVerifier(), expectedState = client.randomState(), expectedNonce = client.randomNonce();
  const back = await browser(client.buildAuthorizationUrl(config, {
    redirect_uri: redirect, scope: `openid profile ${scope}`, state: expectedState, nonce: expectedNonce, max_age: '300', resource: mcp,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
  }));
  const known = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier, expectedState, expectedNonce, maxAge: 300, idTokenExpected: true }, { resource: mcp });
  const claims = known.claims();
  const info = await client.fetchUserInfo(config, known.access_token, claims.sub);
  expect(info.preferred_username === 'bob' && info.name === claims.name, JSON.stringify(info));
  const again = await client.refreshTokenGrant(config, known.refresh_token, { resource: mcp });
  expect(again.claims().sub === claims.sub, 'the refresh is about somebody else');
  await saysLoggedOut(client.buildEndSessionUrl(config, { id_token_hint: known.id_token }));
});
const post = await known(confidential.client_id, client.ClientSecretPost(confidential.client_secret));
await attempt('basic', async () => void (await login(await known(confidential.client_id, client.ClientSecretBasic(confidential.client_secret)))));
await attempt('post', async () => void (await login(post)));
await attempt('key', async () => void (await login(await known(keyDocument, client.PrivateKeyJwt(await clientKey())))));
await attempt('machine', async () => {
  const machine = JSON.parse(process.env.MACHINE);
  const config = await known(machine.client_id, client.ClientSecretPost(machine.client_secret));
  expect((await client.clientCredentialsGrant(config, { resource: mcp, scope })).scope === scope, 'it got another scope');
});
await attempt('errors', async () => {
  await refuses('invalid_grant', 400, () => client.refreshTokenGrant(open, 'never-issued'));
  for (const auth of [client.ClientSecretBasic('wrong'), client.ClientSecretPost('wrong')]) {
    const config = await known(confidential.client_id, auth);
    await refuses('invalid_client', 401, () => client.refreshTokenGrant(config, 'never-issued'));
  }
});
await attempt('registration', async () => {
  const metadata = { client_name: 'openid-client', redirect_uris: [redirect], token_endpoint_auth_method: 'none', application_type: 'native' };
  await login(await client.dynamicClientRegistration(server, metadata, client.None(), options));
});
await attempt('introspection', async () => {
  const own = await login(post);
  expect((await client.tokenIntrospection(post, own.access_token)).active && !(await client.tokenIntrospection(post, 'never-issued')).active, 'what is active is not');
});
await attempt('revocation', async () => {
  await client.tokenRevocation(open, tokens.refresh_token);
  await refuses('invalid_grant', 400, () => client.refreshTokenGrant(open, tokens.refresh_token));
});
await attempt('dpop', async () => {
  const DPoP = client.getDPoPHandle(open, await client.randomDPoPKeyPair('ES256'));
  const bound = await login(open, undefined, { DPoP });
  const ask = proof => client.fetchProtectedResource(open, bound.access_token, new URL(mcp), 'POST', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }), proof);
  expect(bound.token_type === 'dpop' && (await ask({ DPoP })).status === 200, `the MCP server refuses a token of type ${bound.token_type}`);
  await ask({}).then(() => expect(false, 'it passes as a bearer token'), error => expect(error.cause?.[0]?.parameters.error === 'invalid_token', error.message));
  await refuses('invalid_dpop_proof', 400, () => client.refreshTokenGrant(open, bound.refresh_token));
  const next = await client.refreshTokenGrant(open, bound.refresh_token, { resource: mcp }, { DPoP });
  expect(next.token_type === 'dpop', `the next token is of type ${next.token_type}`);
});
