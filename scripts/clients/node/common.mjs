// What the programs for Node.js share: what scripts/clients/run tells them, the browser, and the form of what they print.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

function told(name) {
  if (!process.env[name]) throw new Error(`${name} is not set; start this with scripts/clients/run`);
  return process.env[name];
}

export const issuer = told('ISSUER');
export const mcp = told('MCP_URL');
export const document = told('CLIENT_DOCUMENT'); // a client_id that is a URL
export const redirect = told('REDIRECT');
export const registered = JSON.parse(told('REGISTERED')); // {client_id} of an application that an administrator registered
export const date = told('BOOKING_DATE'); // a day on which nobody else here books

// browser logs Bob in, consents to everything, and tells where he is sent back to.
export async function browser(url) {
  const { stdout } = await run(told('BROWSER'), ['-print', String(url)]);
  return new URL(stdout.trim());
}

const oneLine = text => String(text).replace(/\s+/g, ' ').trim().slice(0, 300);

const say = (step, result, detail) => console.log(`${step} ${result} ${oneLine(detail ?? '')}`.trim());

// attempt does one step and says how it went. What it returns is the detail.
export async function attempt(step, work) {
  try {
    say(step, 'ok', await work());
  } catch (error) {
    say(step, 'FAILED', describe(error));
    if (process.env.VERBOSE) console.error(error);
  }
}

function describe(error) {
  const parts = [];
  for (let e = error; e instanceof Error && parts.length < 4; e = e.cause) parts.push(`${e.name}: ${e.message}`);
  return parts.join(': ') || error;
}

// lacks notes a step that the client has no means for.
export const lacks = (step, why) => say(step, 'lacks', why);

export function expect(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

// answer is the text of a tool's result.
export function answer(result) {
  const text = result.content?.map(part => part.text ?? '').join(' ') ?? '';
  expect(!result.isError, text);
  return text;
}

// saysLoggedOut follows the address of a logout, as a browser in which nobody is logged in, and expects the page that says so; with the id of
// another client than the ID token's it must be refused (RP-Initiated Logout §2).
export async function saysLoggedOut(address) {
  const there = await fetch(address, { redirect: 'manual' });
  expect(there.status === 200 && /You are logged out/.test(await there.text()), `logout answered ${there.status}`);
  const wrong = new URL(address);
  wrong.searchParams.set('client_id', 'another');
  expect((await fetch(wrong, { redirect: 'manual' })).status === 400, 'the ID token of another client will do');
}

// A client of its own for judges of the authorization server: one with a secret, and one that is known by a document with its key.
export const confidential = JSON.parse(told('CONFIDENTIAL'));
export const keyDocument = document.replace(/\.json$/, '-key.json');
export async function clientKey() {
  const der = Buffer.from(readFileSync(told('CLIENT_KEY'), 'utf8').replace(/-----.*-----/g, ''), 'base64');
  return { kid: '1', key: await crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']) };
}
