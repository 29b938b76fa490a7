// @modelcontextprotocol/sdk, the TypeScript SDK of the revisions up to 2025-11-25.
import * as auth from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { answer, attempt, browser, date, document, expect, issuer, lacks, mcp, registered } from './common.mjs';
import { Provider } from './provider.mjs';

const newClient = () => new Client({ name: 'ts-sdk', version: '1' });
const newTransport = provider => new StreamableHTTPClientTransport(new URL(mcp), { authProvider: provider });

// needsLogin does what must end with the person at the authorization server, and returns where they are sent back to.
async function needsLogin(provider, work) {
  const before = provider.logins;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof auth.UnauthorizedError)) throw error;
    expect(provider.logins === before + 1, 'nobody was sent to log in');
    return provider.answered(await browser(provider.url));
  }
  throw new Error('it went through without a login');
}

async function connect(provider) {
  const transport = newTransport(provider);
  const params = await needsLogin(provider, () => newClient().connect(transport));
  await transport.finishAuth(params.get('code'));
  const client = newClient();
  await client.connect(newTransport(provider));
  return client;
}

const ask = async client => answer(await client.callTool({ name: 'get_pet_vaccination_info', arguments: { pet: 'Fido' } }));

await attempt('discovery', async () => {
  const info = await auth.discoverOAuthServerInfo(mcp);
  expect(info.authorizationServerMetadata.issuer === issuer && info.resourceMetadata.resource === mcp, JSON.stringify(info));
});

const provider = new Provider({ client: registered });
let client;
await attempt('pre-registered', async () => {
  client = await connect(provider);
  expect(provider.client.client_id === registered.client_id, 'another client logged in');
});
await attempt('document', async () => {
  const p = new Provider({ metadataUrl: document });
  await ask(await connect(p));
  expect(p.client.client_id === document, `the client_id is ${p.client.client_id}`);
});
await attempt('dynamic', async () => {
  const p = new Provider();
  await ask(await connect(p));
  return `client_id ${p.client.client_id}`;
});
if (StreamableHTTPClientTransport.prototype.finishAuth.length === 1) lacks('iss', 'finishAuth takes the code alone');
await attempt('tool', async () => {
  const text = await ask(client);
  expect(client.transport.protocolVersion === LATEST_PROTOCOL_VERSION, `it speaks ${client.transport.protocolVersion}`);
  return `${client.transport.protocolVersion}: ${text}`;
});
// At a 403 the SDK asks for the missing scope with the refresh token, which cannot widen it, and gives up. Only a host that keeps no
// refresh token gets to the person; and then it asks for the missing scope alone, without those that it had.
const book = c => c.callTool({ name: 'book_vet_appointment', arguments: { pet: 'Fido', date, time: '10:00' } });
try {
  expect(false, `it steps up now: ${await book(client)}`);
} catch (error) {
  if (!/after trying upscoping/.test(error.message)) throw error;
  const p = new Provider({ client: registered });
  p.saveTokens = ({ refresh_token, ...tokens }) => (p.kept = tokens);
  const c = await connect(p);
  const params = await needsLogin(p, () => book(c));
  await c.transport.finishAuth(params.get('code'));
  answer(await book(c));
  lacks('step-up', `it refreshes and gives up; without a refresh token it goes on, with the scope ${p.kept.scope} alone`);
}
await attempt('refresh', async () => {
  const { logins, kept: { access_token, refresh_token } } = provider;
  provider.kept.access_token = 'expired'; // as if ten minutes had passed
  await ask(client);
  expect(provider.logins === logins, 'it asked for a login');
  expect(provider.kept.refresh_token !== refresh_token && provider.kept.access_token !== access_token, 'the tokens are the same');
});
const revoke = Object.keys(auth).filter(name => /revo/i.test(name) && typeof auth[name] === 'function');
await (revoke.length ? attempt('revocation', () => expect(false, `it can revoke now: ${revoke}`)) : lacks('revocation', 'no call for it'));
