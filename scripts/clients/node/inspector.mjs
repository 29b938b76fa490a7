// MCP Inspector's command line. Each call is a process of its own; what it keeps is in a folder.
// On Linux it opens the browser that the variable BROWSER names, which is Bob's.
import { spawn } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { answer, attempt, date, document, expect, issuer, lacks, mcp, redirect, registered } from './common.mjs';

const program = fileURLToPath(new URL('node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url));

// inspect calls a tool, and returns its result and how often the person was sent to log in.
async function inspect(kept, args, { tool = 'get_pet_vaccination_info', with: input = { pet: 'Fido' }, browser = process.env.BROWSER } = {}) {
  const all = ['--cli', '--server-url', mcp, '--transport', 'http', '--protocol-era', 'modern', '--format', 'json', '--callback-url', redirect,
    '--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(input), ...args];
  const env = { ...process.env, BROWSER: browser, HOME: `${homedir()}/${kept}`, MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' };
  const child = spawn(process.execPath, [program, ...all], { env, timeout: 30_000 });
  let out = '', log = '';
  child.stdout.on('data', data => (out += data));
  child.stderr.on('data', data => {
    log += data;
    process.stderr.write(data);
    if (/Proceed with step-up/.test(data)) child.stdin.end('y\n');
  });
  const code = await new Promise(resolve => child.on('close', resolve));
  const logins = log.split('/oauth/authorize?').length - 1;
  if (code !== 0) throw Object.assign(new Error(`it ended with ${code}: ${log.slice(-300)}`), { log });
  return { text: answer(JSON.parse(out).result ?? JSON.parse(out)), logins, log };
}

const files = kept => globSync(`${homedir()}/${kept}/.mcp-inspector/**/*.json`);
const stored = kept => files(kept).map(file => readFileSync(file, 'utf8')).join('\n');
const token = (kept, name) => stored(kept).match(new RegExp(`${name}\\\\*"\\s*:\\s*\\\\*"([^"\\\\]+)`))?.[1];

const staticClient = ['--client-id', registered.client_id];
await attempt('pre-registered', async () => {
  const { logins } = await inspect('registered', staticClient);
  expect(logins === 1, `it logged in ${logins} times`);
});
await attempt('discovery', () => expect(stored('registered').includes(`"authorizationServerUrl": "${issuer}"`), 'it did not get so far'));
await attempt('document', async () => {
  const { log } = await inspect('document', ['--client-metadata-url', document]);
  expect(log.includes(encodeURIComponent(document)), 'it used another client_id');
});
await attempt('dynamic', () => inspect('dynamic', []).then(() => {}));
await attempt('iss', async () => {
  const browser = `${homedir()}/browser`; // which tells another issuer
  writeFileSync(browser, `#!/bin/sh\ncurl -sS "$("${process.env.BROWSER}" -print "$1" | sed 's/iss=[^&]*/iss=https%3A%2F%2Fattacker.example/')"\n`, { mode: 0o755 });
  const log = await inspect('iss', staticClient, { browser }).then(() => expect(false, 'it took an answer of another issuer'), error => error.log);
  expect(/attacker\.example/.test(log) && !token('iss', 'access_token'), `it failed at something else: ${log}`);
});
await attempt('tool', async () => {
  const { text, logins } = await inspect('registered', staticClient);
  expect(logins === 0, 'it logged in again');
  return text;
});
await attempt('step-up', async () => {
  const { logins } = await inspect('registered', staticClient, { tool: 'book_vet_appointment', with: { pet: 'Fido', date, time: '10:00' } });
  expect(logins === 1, `it logged in ${logins} times`);
  expect((await inspect('registered', staticClient)).logins === 0, 'it could less than before');
});
await attempt('refresh', async () => {
  const before = token('registered', 'refresh_token');
  const access = token('registered', 'access_token');
  for (const file of files('registered')) writeFileSync(file, readFileSync(file, 'utf8').replaceAll(access, 'expired')); // as if ten minutes had passed
  expect(token('registered', 'access_token') === 'expired', 'its storage is another');
  expect((await inspect('registered', staticClient)).logins === 0, 'it asked for a login');
  expect(before && token('registered', 'refresh_token') !== before, 'the refresh token is the same');
});
// --relogin revokes where the storage has serverMetadata. The command line's own login does not write that, so nothing is revoked; with it,
// as the web Inspector writes it, it is.
async function reloginRevokes() {
  const refresh_token = token('document', 'refresh_token');
  expect(refresh_token, 'it has no refresh token');
  await inspect('document', ['--client-metadata-url', document, '--relogin']);
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: document, refresh_token });
  const response = await fetch(`${issuer}/oauth/token`, { method: 'POST', body });
  return response.status === 400 && (await response.json()).error === 'invalid_grant';
}
try {
  expect(!(await reloginRevokes()), 'its command line revokes now');
  const [file] = files('document').filter(name => name.endsWith('oauth.json'));
  const state = JSON.parse(readFileSync(file, 'utf8'));
  for (const server of Object.values(state.servers)) server.serverMetadata = server.discoveryState.authorizationServerMetadata;
  writeFileSync(file, JSON.stringify(state));
  expect(await reloginRevokes(), 'it does not revoke with the metadata either');
  lacks('revocation', 'of what its command line logged in: --relogin looks for the metadata where only the web Inspector writes it');
} catch (error) {
  await attempt('revocation', () => Promise.reject(error));
}
