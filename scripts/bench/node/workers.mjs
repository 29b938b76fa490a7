// node workers.mjs PORT: @cloudflare/workers-oauth-provider, which is made for Cloudflare Workers, under Node.js: a Map stands for the key-value
// store, and a stub for the module of the platform. Everybody is logged in and has consented. GET /client names the client.
import http from 'node:http';
import { register } from 'node:module';

const stub = 'export class WorkerEntrypoint { constructor(ctx, env) { this.ctx = ctx; this.env = env; } } export const env = {}; export const waitUntil = () => {};';
const hook = `export async function resolve(specifier, context, next) {
  return specifier === 'cloudflare:workers' ? { url: 'data:text/javascript,' + ${JSON.stringify(encodeURIComponent(stub))}, shortCircuit: true } : next(specifier, context);
}`;
register('data:text/javascript,' + encodeURIComponent(hook));
const { OAuthAuthorizationServer } = await import('@cloudflare/workers-oauth-provider');

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const resource = 'http://127.0.0.1:9000/mcp';
const items = new Map();
const env = {
  OAUTH_KV: {
    get: async (key, how) => {
      const value = items.get(key);
      if (value === undefined) return null;
      return how === 'json' || how?.type === 'json' ? JSON.parse(value) : value;
    },
    put: async (key, value) => { items.set(key, value); },
    delete: async (key) => { items.delete(key); },
    list: async ({ prefix = '' } = {}) => ({ keys: [...items.keys()].filter((key) => key.startsWith(prefix)).map((name) => ({ name })), list_complete: true }),
  },
};
const ctx = { waitUntil() {}, passThroughOnException() {}, props: {} };
const server = new OAuthAuthorizationServer({ issuer, resources: [resource], defaultResource: resource, scopesSupported: ['mcp:tools', 'offline_access'] });
const api = server.getOAuthApi(env);
const client = await api.createClient({ redirectUris: ['http://127.0.0.1:9999/cb'], tokenEndpointAuthMethod: 'none', clientName: 'web' });

async function answer(request) {
  if (!request.url.startsWith(`${issuer}/authorize`)) return server.fetch(request, env, ctx);
  const asked = await api.parseAuthRequest(request);
  const { redirectTo } = await api.completeAuthorization({ request: asked, userId: 'somebody', metadata: {}, scope: asked.scope, props: {}, revokeExistingGrants: false });
  return new Response(null, { status: 302, headers: { Location: redirectTo } });
}

http.createServer(async (req, res) => {
  if (req.url === '/client') return res.end(client.clientId);
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const response = await answer(new Request(issuer + req.url, { method: req.method, headers: req.headers, body: chunks.length ? Buffer.concat(chunks) : undefined }));
  res.writeHead(response.status, Object.fromEntries(response.headers));
  res.end(Buffer.from(await response.arrayBuffer()));
}).listen(port, '127.0.0.1');
