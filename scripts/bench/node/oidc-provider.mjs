// node oidc-provider.mjs PORT: oidc-provider in memory, with ES256 and JWT access tokens. Whoever comes first is logged in and has consented
// without a page; afterwards the session and the grant are remembered, as ours remembers them.
import crypto from 'node:crypto';
import http from 'node:http';
import { Provider } from 'oidc-provider';

const port = Number(process.argv[2]);
const alg = 'ES256';
const resource = 'http://127.0.0.1:9000/mcp';
const key = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...key, use: 'sig', kid: 'bench', alg }] },
  clients: [
    { client_id: 'machine', client_secret: 'secret-secret-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
    { client_id: 'web', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: ['https://client.example.com/cb'], response_types: ['code'],
      token_endpoint_auth_method: 'none' }, // a native one would be asked each time, by ours too
  ],
  clientDefaults: { id_token_signed_response_alg: alg },
  cookies: { keys: ['bench'] },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'mcp:tools', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
    },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AccessToken: 600, ClientCredentials: 600, Interaction: 600, Session: 28800, Grant: 28800, AuthorizationCode: 60, IdToken: 600, RefreshToken: 28800 },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});
const callback = provider.callback();

http.createServer(async (req, res) => {
  if (!req.url.startsWith('/interaction/')) return callback(req, res);
  const { params } = await provider.interactionDetails(req, res);
  const grant = new provider.Grant({ accountId: 'somebody', clientId: params.client_id });
  grant.addOIDCScope('openid');
  grant.addResourceScope(resource, 'mcp:tools');
  await provider.interactionFinished(req, res, { login: { accountId: 'somebody' }, consent: { grantId: await grant.save() } });
}).listen(port, '127.0.0.1');
