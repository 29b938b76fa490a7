// Calls the admin API, and keeps what was called for whoever wants to see it.

import { client } from "./discovery.js";
import { accessToken, refresh } from "./tokens.js";

const base = `${client.resource}/v1`;

// Problem is an error of the API (RFC 9457), or of the way to it (status 0).
class Problem extends Error {
  constructor(status, body = {}, challenge = "") {
    super(body.detail || body.title || `The admin API answered ${status}.`);
    this.status = status;
    this.type = body.type;
    this.errors = body.errors ?? [];
    this.uses = body.uses ?? [];
    this.more = Boolean(body.more);
    this.needsScope = status === 403 && challenge.includes("insufficient_scope");
  }
}

// calls are the last calls of this screen, newest first.
export const calls = [];
const maxCalls = 12;
let noted = () => {};

export function onCall(f) {
  noted = f;
}

export function forgetCalls() {
  calls.length = 0;
  noted();
}

// api makes one call and returns what was answered. Options: query, body, etag (If-Match), key (Idempotency-Key), signal.
export async function api(method, path, options = {}) {
  const response = await send(method, path, options);
  return response.status === 204 ? null : response.json();
}

// send is api for answers that are no JSON.
export async function send(method, path, options = {}) {
  const url = base + path + queryString(options.query);
  const headers = { Accept: "application/json" };
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  if (options.etag) {
    headers["If-Match"] = options.etag;
  }
  if (options.key) {
    headers["Idempotency-Key"] = options.key;
  }
  const call = { method, url, headers: { ...headers }, body: options.body, status: null };
  note(call);
  const once = async () => {
    headers.Authorization = `Bearer ${await accessToken()}`;
    return fetch(url, { method, headers, body: options.body === undefined ? undefined : JSON.stringify(options.body), signal: options.signal, credentials: "omit", cache: "no-store" });
  };
  let response;
  try {
    response = await once();
    if (response.status === 401) { // revoked, or the server's clock is ahead of ours
      await refresh();
      response = await once();
    }
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Problem(0, { detail: "The server cannot be reached. Is it running, and is there a network?" });
    }
    throw error;
  }
  call.status = response.status;
  noted();
  if (!response.ok) {
    throw new Problem(response.status, await response.json().catch(() => ({})), response.headers.get("WWW-Authenticate") ?? "");
  }
  return response;
}

function queryString(query) {
  const set = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

// note keeps a call; one that is made again and again, such as when following the log, is kept once.
function note(call) {
  const same = calls.find((c) => c.method === call.method && call.method === "GET" && c.url.split("?")[0] === call.url.split("?")[0] && !c.url.includes("cursor="));
  call.times = same && !call.url.includes("cursor=") ? same.times + 1 : 1;
  if (call.times > 1) {
    calls.splice(calls.indexOf(same), 1);
  }
  calls.unshift(call);
  calls.length = Math.min(calls.length, maxCalls);
  noted();
}

// all reads a list to its end, but not more than max items: for choices, of which there are few.
export async function all(path, { query = {}, max = 1000, signal } = {}) {
  const items = [];
  let cursor;
  do {
    const page = await api("GET", path, { query: { ...query, limit: 200, cursor }, signal });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < max);
  return items;
}

// serversOf are all servers, for choices: those that people registered first.
export async function serversOf(ctx) {
  const servers = await all("/servers", { signal: ctx.signal });
  return servers.sort((x, y) => Boolean(x.system) - Boolean(y.system));
}

// seg is a text as one segment of a path.
export function seg(text) {
  return encodeURIComponent(text);
}
