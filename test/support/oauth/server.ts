import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider, { type Client, type KoaContextWithOIDC } from 'oidc-provider';
import type { SecretFields } from '../../../src/index.ts';
import {
  createSecretRenewal,
  newSecret,
  type SecretManners,
  type SecretRenewal,
} from './replaced-secrets.ts';
import { createStorage, type Leniency, type Storage } from './storage.ts';

/** Behaviour that the RFCs leave to the server. */
export interface ServerManners extends Leniency, Pick<SecretManners, 'renewsSecrets'> {
  /** Whether revoking an access token ends its whole grant (RFC 7009, section 2.1). Default: no. */
  readonly revokesGrants?: boolean;
}

/** A real authorization server on this machine. Its clients' secrets work at first. */
export interface OAuthServer {
  readonly issuer: string;
  readonly provider: Provider;
  /** A client that may manage its registration. */
  registeredClient(): Promise<SecretFields>;
  /** Makes a new registration access token, as an operator does for a client that has lost its own. */
  registrationAccess(clientId: unknown): Promise<string>;
  /** A client that a user has authorized, with its tokens. */
  authorizedClient(): Promise<SecretFields>;
  /** A client with a token of its own (client credentials). */
  serviceClient(): Promise<SecretFields>;
  /** A client's secrets and tokens that still work. */
  alive(clientId: unknown): Promise<string[]>;
  stop(): Promise<void>;
}

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const renewal = 'another-secret';

/** Starts a server. Access tokens live an hour. Refresh tokens and registration access tokens are replaced at each use. */
export async function startOAuthServer(manners: ServerManners): Promise<OAuthServer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const issuer = `http://127.0.0.1:${address.port}`;
  const secrets = createSecretRenewal(manners);
  const storage = createStorage(manners, () => manners.revokesGrants !== true && isLoneRevocation());
  const provider = createProvider(issuer, storage, secrets);
  secrets.install(provider);
  server.on('request', provider.callback());
  const registered = (grantTypes: readonly string[]) => register(provider, grantTypes);

  return {
    issuer,
    provider,
    registeredClient: () => registered(['client_credentials']),
    registrationAccess: async (clientId) => {
      const client = await findClient(provider, clientId);
      return Object.assign(new provider.RegistrationAccessToken(), {
        clientId: client.clientId,
        policies: [renewal],
      }).save();
    },
    authorizedClient: async () => {
      const fields = withoutRegistration(await registered(['authorization_code', 'refresh_token']));
      return { ...fields, ...(await authorize(provider, String(fields.client_id))) };
    },
    serviceClient: async () => {
      const fields = withoutRegistration(await registered(['client_credentials']));
      const client = await findClient(provider, fields.client_id);
      return { ...fields, access_token: await new provider.ClientCredentials({ client }).save() };
    },
    alive: async (clientId) => {
      const client = await findClient(provider, clientId);
      return [
        `${client.clientSecret}`,
        ...secrets.accepted(client.clientId),
        ...storage.alive(client.clientId),
      ];
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function isLoneRevocation(): boolean {
  const oidc = Provider.ctx?.oidc;
  return oidc?.route === 'revocation' && oidc.entities.AccessToken !== undefined;
}

function isOwn(
  _ctx: KoaContextWithOIDC,
  client: Client,
  { clientId }: { clientId?: string | undefined },
): boolean {
  return clientId === client.clientId;
}

function createProvider(issuer: string, { adapter }: Storage, secrets: SecretRenewal): Provider {
  return new Provider(issuer, {
    adapter,
    jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: [newSecret()] },
    findAccount: async (_ctx, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: isOwn },
      revocation: { enabled: true, allowedPolicy: isOwn },
      registration: { enabled: true, initialAccessToken: true, policies: { [renewal]: secrets.policy } },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
    },
    scopes: ['openid', 'offline_access', 'reports:read'],
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      Grant: 86_400,
      IdToken: 3600,
      RefreshToken: 86_400,
      RegistrationAccessToken: 86_400,
    },
  });
}

/** Registers a client (RFC 7591). */
async function register(provider: Provider, grantTypes: readonly string[]): Promise<SecretFields> {
  const isInteractive = grantTypes.includes('authorization_code');
  const initialAccess = await new provider.InitialAccessToken({ policies: [renewal] }).save();
  const response = await fetch(`${provider.issuer}/reg`, {
    method: 'POST',
    headers: { authorization: `Bearer ${initialAccess}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'An application',
      grant_types: grantTypes,
      response_types: isInteractive ? ['code'] : [],
      redirect_uris: isInteractive ? ['https://app.example/callback'] : [],
    }),
  });
  if (response.status !== 201)
    throw new Error(`The registration was answered ${response.status}: ${await response.text()}`);
  const registered: SecretFields = Object(await response.json());
  const { client_id, client_secret, registration_client_uri, registration_access_token } = registered;
  return {
    token_endpoint: `${provider.issuer}/token`,
    introspection_endpoint: `${provider.issuer}/token/introspection`,
    revocation_endpoint: `${provider.issuer}/token/revocation`,
    client_id,
    client_secret,
    registration_client_uri,
    registration_access_token,
  };
}

function withoutRegistration(fields: SecretFields): SecretFields {
  const { registration_client_uri: _uri, registration_access_token: _token, ...others } = fields;
  return others;
}

async function findClient(provider: Provider, clientId: unknown) {
  const client = await provider.Client.find(String(clientId));
  if (client === undefined) throw new Error('There is no such client.');
  return client;
}

/** Makes the tokens that a client gets after a user has logged in and consented. */
async function authorize(provider: Provider, clientId: string): Promise<SecretFields> {
  const [client, accountId] = [await findClient(provider, clientId), randomUUID()];
  const scope = 'openid offline_access';
  const grant = new provider.Grant({ accountId, clientId });
  grant.addOIDCScope(scope);
  const issued = { client, accountId, grantId: await grant.save(), scope, gty: 'authorization_code' };
  return {
    access_token: await new provider.AccessToken(issued).save(),
    refresh_token: await new provider.RefreshToken(issued).save(),
  };
}
