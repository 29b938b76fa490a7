// @modelcontextprotocol/client, the TypeScript SDK of revision 2026-07-28, which is pinned here.
import * as sdk from '@modelcontextprotocol/client';
import { answer, attempt, browser, date, document, expect, issuer, lacks, mcp, registered } from './common.mjs';
import { Provider } from './provider.mjs';

const { Client, IssuerMismatchError, StreamableHTTPClientTransport, UnauthorizedError } = sdk;
const revision = '2026-07-28';

const newClient = () => new Client({ name: 'ts-client', version: '1' }, { versionNegotiation: { mode: { pin: revision } } });
const newTransport = provider => new StreamableHTTPClientTransport(new URL(mcp), { authProvider: provider });

// needsLogin does what must end with the person at the authorization server, and returns where they are sent back to.
async function needsLogin(provider, work) {
  const before = provider.logins;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    expect(provider.logins === before + 1, 'nobody was sent to log in');
    return provider.answered(await browser(provider.url));
  }
  throw new Error('it went through without a login');
}

async function connect(provider) {
  const transport = newTransport(provider);
  await transport.finishAuth(await needsLogin(provider, () => newClient().connect(transport)));
  const client = newClient();
  await client.connect(newTransport(provider));
  return client;
}

const ask = async client => answer(await client.callTool({ name: 'get_pet_vaccination_info', arguments: { pet: 'Fido' } }));

await attempt('discovery', async () => {
  const info = await sdk.discoverOAuthServerInfo(mcp);
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
await attempt('iss', async () => {
  const p = new Provider({ client: registered });
  const transport = newTransport(p);
  const params = await needsLogin(p, () => newClient().connect(transport));
  params.set('iss', 'https://attacker.example');
  await transport.finishAuth(params).then(() => expect(false, 'it took an answer of another issuer'), error => {
    if (!(error instanceof IssuerMismatchError)) throw error;
  });
});
await attempt('tool', async () => {
  const text = await ask(client);
  expect(client.getNegotiatedProtocolVersion() === revision, `it speaks ${client.getNegotiatedProtocolVersion()}`);
  return `${client.getNegotiatedProtocolVersion()}: ${text}`;
});
await attempt('step-up', async () => {
  const transport = client.transport;
  const book = () => client.callTool({ name: 'book_vet_appointment', arguments: { pet: 'Fido', date, time: '10:00' } });
  await transport.finishAuth(await needsLogin(provider, book));
  answer(await book());
  await ask(client); // and what it could before, it can still
  return provider.kept.scope;
});
await attempt('refresh', async () => {
  const { logins, kept: { access_token, refresh_token } } = provider;
  provider.kept.access_token = 'expired'; // as if ten minutes had passed
  await ask(client);
  expect(provider.logins === logins, 'it asked for a login');
  expect(provider.kept.refresh_token !== refresh_token && provider.kept.access_token !== access_token, 'the tokens are the same');
});
const revoke = Object.keys(sdk).filter(name => /revo/i.test(name) && typeof sdk[name] === 'function');
await (revoke.length ? attempt('revocation', () => expect(false, `it can revoke now: ${revoke}`)) : lacks('revocation', 'no call for it'));
