// mcp-remote, between a client that knows no authorization and a server that asks for it. The client here is the TypeScript SDK's.
// On Linux it opens the browser that the variable BROWSER names, which is Bob's.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { answer, attempt, date, document, expect, issuer, lacks, mcp, redirect, registered } from './common.mjs';

const packageFolder = fileURLToPath(new URL('node_modules/mcp-remote/', import.meta.url));
const { hostname, port, pathname } = new URL(redirect);
const info = `${homedir()}/client.json`;
writeFileSync(info, JSON.stringify({ ...registered, redirect_uris: [redirect] }));

// start runs mcp-remote. What it keeps is in the folder KEPT; logins counts how often it sent the person to log in.
async function start(kept, args, browser = process.env.BROWSER) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [`${packageFolder}dist/proxy.js`, mcp, port, '--host', hostname, '--callback-path', pathname, '--protocol', 'auto', ...args],
    env: { ...process.env, BROWSER: browser, MCP_REMOTE_CONFIG_DIR: `${homedir()}/${kept}` },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'mcp-remote', version: '1' });
  client.log = '';
  transport.stderr.on('data', data => {
    client.log += data;
    process.stderr.write(data);
  });
  Object.defineProperty(client, 'logins', { get: () => client.log.split('Please authorize this client').length - 1 });
  try {
    await client.connect(transport, { timeout: 20_000 });
  } catch (error) {
    throw Object.assign(error, { log: client.log });
  }
  return client;
}

const ask = async client => answer(await client.callTool({ name: 'get_pet_vaccination_info', arguments: { pet: 'Fido' } }));

// loggedIn starts one, asks, and ends it. It must have logged in once.
async function loggedIn(kept, args, id = '') {
  const client = await start(kept, args);
  try {
    const text = await ask(client);
    expect(client.logins === 1, `it logged in ${client.logins} times`);
    expect(client.log.includes(`Discovered authorization server: ${issuer}\n`), 'it found another authorization server');
    expect(client.log.includes(`client_id=${encodeURIComponent(id)}`), 'it used another client_id');
    return `${/2026-07-28/.test(client.log) ? '2026-07-28' : 'legacy'}: ${text}`;
  } finally {
    await client.close();
  }
}

const staticClient = ['--static-oauth-client-info', `@${info}`];
let text;
await attempt('pre-registered', async () => {
  text = await loggedIn('registered', staticClient, registered.client_id);
});
await attempt('discovery', () => expect(text, 'it did not get so far'));
await attempt('document', () => loggedIn('document', ['--client-metadata-url', document], document).then(() => {}));
await attempt('dynamic', () => loggedIn('dynamic', []).then(() => {}));
await attempt('iss', async () => {
  const browser = `${homedir()}/browser`; // which tells another issuer
  writeFileSync(browser, `#!/bin/sh\ncurl -sS "$("${process.env.BROWSER}" -print "$1" | sed 's/iss=[^&]*/iss=https%3A%2F%2Fattacker.example/')"\n`, { mode: 0o755 });
  const log = await start('iss', staticClient, browser).then(() => expect(false, 'it took an answer of another issuer'), error => error.log);
  expect(/attacker\.example/.test(log) && !globSync(`${homedir()}/iss/**/*tokens.json`).length, 'it failed at something else');
});
await attempt('tool', () => {
  expect(text, 'it did not get so far');
  return text;
});
await attempt('step-up', async () => {
  const client = await start('registered', staticClient);
  try {
    answer(await client.callTool({ name: 'book_vet_appointment', arguments: { pet: 'Fido', date, time: '10:00' } }));
    expect(client.logins === 1, `it logged in ${client.logins} times`);
    await ask(client);
    expect(client.logins === 1, 'it could less than before');
  } finally {
    await client.close();
  }
});
await attempt('refresh', async () => {
  const [file] = globSync(`${homedir()}/registered/**/*tokens.json`);
  const before = JSON.parse(readFileSync(file));
  writeFileSync(file, JSON.stringify({ ...before, access_token: 'expired' })); // as if ten minutes had passed
  const client = await start('registered', staticClient);
  try {
    await ask(client);
    expect(client.logins === 0, 'it asked for a login');
    expect(JSON.parse(readFileSync(file)).refresh_token !== before.refresh_token, 'the refresh token is the same');
  } finally {
    await client.close();
  }
});
const manual = readFileSync(`${packageFolder}README.md`, 'utf8');
if (/revo(ke|cation)/i.test(manual)) await attempt('revocation', () => expect(false, 'its manual speaks of it now'));
else lacks('revocation', 'no way to ask for it');
