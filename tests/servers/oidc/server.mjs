// oidc-provider with its own login pages, rotating refresh tokens with reuse detection, and a resource that asks for its tokens.
// Prints its issuer when it listens; ends on SIGTERM. Usage: node server.mjs        needs Node.js 20 and `npm install` in this folder
//
// Clients register themselves (POST /reg). Beside the protocol: GET /orders is the protected resource, GET /journal tells what the
// token endpoint did, POST /expire ends every access token at once, POST /withdraw?client=ID ends what persons have agreed to for a client,
// and POST /short?seconds=N sets the life of the tokens to come.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

let life = 3600;
const journal = [];
const valid = new Map();
const agreed = new Map();

const provider = new Provider(issuer, {
  clientDefaults: { id_token_signed_response_alg: 'RS256' },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  cookies: { keys: ['a key of this test server'] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    registration: { enabled: true },
    revocation: { enabled: true },
  },
  issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'orders'],
  ttl: { AccessToken: () => life, ClientCredentials: () => life },
});

for (const kind of ['access_token', 'client_credentials']) {
  provider.on(`${kind}.saved`, (token) => valid.set(token.jti, token));
  provider.on(`${kind}.issued`, (token) => valid.set(token.jti, token));
  provider.on(`${kind}.destroyed`, (token) => valid.delete(token.jti));
}
provider.on('grant.saved', (grant) => agreed.set(grant.jti, grant));
provider.on('grant.success', (ctx) => journal.push({ client: ctx.oidc.client.clientId, grant: ctx.oidc.params.grant_type }));
provider.on('grant.error', (ctx, error) =>
  journal.push({ client: ctx.oidc.client?.clientId ?? null, grant: ctx.oidc.params?.grant_type ?? null, error: error.message }));
provider.on('grant.revoked', () => journal.push({ revoked: true }));

const beside = {
  'GET /orders': async (ctx) => {
    const value = (ctx.get('authorization').match(/^Bearer (.+)$/) ?? [])[1] ?? '';
    const token = (await provider.AccessToken.find(value)) ?? (await provider.ClientCredentials.find(value));
    ctx.status = token ? 200 : 401;
    if (!token) ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    ctx.body = token ? { orders: [{ id: 1 }], client: token.clientId, account: token.accountId ?? null } : { error: 'invalid_token' };
  },
  'GET /journal': async (ctx) => {
    ctx.body = journal;
  },
  'POST /expire': async (ctx) => {
    await Promise.all([...valid.values()].map((token) => token.destroy()));
    ctx.status = 204;
  },
  'POST /withdraw': async (ctx) => {
    const kept = [...agreed.values()].filter((grant) => grant.clientId === ctx.query.client);
    await Promise.all(kept.map((grant) => grant.destroy()));
    await Promise.all([...valid.values()].filter((token) => token.clientId === ctx.query.client).map((token) => token.destroy()));
    ctx.status = 204;
  },
  'POST /short': async (ctx) => {
    life = Number(ctx.query.seconds);
    ctx.status = 204;
  },
};
provider.use(async (ctx, next) => (beside[`${ctx.method} ${ctx.path}`] ?? (() => next()))(ctx));

server.on('request', provider.callback());
process.on('SIGTERM', () => process.exit(0));
console.log(`ready ${issuer}`);
