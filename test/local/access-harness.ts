import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../src/local/access/signature.ts';
import {
  type LocalKey,
  type LocalPrincipal,
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  type PolicyJson,
  startLocalSecretsManager,
} from '../../src/local/index.ts';

export const account = '123456789012';
export const otherAccount = '210987654321';

/** A policy of one statement. */
export function policy(...statements: object[]): PolicyJson {
  return { Version: '2012-10-17', Statement: statements };
}

export function allow(Action: string | string[], more: object = {}): object {
  return { Effect: 'Allow', Action, Resource: '*', ...more };
}

export function deny(Action: string | string[], more: object = {}): object {
  return { ...allow(Action, more), Effect: 'Deny' };
}

export function user(name: string, more: Partial<LocalPrincipal> = {}, accountId = account): LocalPrincipal {
  return {
    arn: `arn:aws:iam::${accountId}:user/${name}`,
    accessKeyId: `AKIA${name.toUpperCase()}`,
    secretAccessKey: `secret of ${name}`,
    ...more,
  };
}

export function session(
  role: string,
  more: Partial<LocalPrincipal> = {},
  accountId = account,
): LocalPrincipal {
  return {
    arn: `arn:aws:sts::${accountId}:assumed-role/${role}/session`,
    accessKeyId: `ASIA${role.toUpperCase()}`,
    secretAccessKey: `secret of ${role}`,
    sessionToken: `token of ${role}`,
    ...more,
  };
}

/** May do everything in its account. */
export const root = user('admin', { policies: [policy(allow('*'))] });

/** A local Secrets Manager that enforces policies, with clients of principals. */
export interface EnforcingHarness extends AsyncDisposable {
  readonly local: LocalSecretsManager;
  /** A client of a principal, by default of {@link root}. */
  as(principal?: LocalPrincipal): SecretsManagerClient;
  /** Signs a body and sends it as it is. @returns the type of the error; undefined if there is none */
  send(principal: LocalPrincipal, operation: string, body: object): Promise<string | undefined>;
}

/** @param principals besides {@link root} */
export async function startEnforcing(
  principals: readonly LocalPrincipal[] = [],
  options: LocalSecretsManagerOptions = {},
): Promise<EnforcingHarness> {
  const local = await startLocalSecretsManager({
    retryDelaysMs: [],
    ...options,
    policies: 'enforce',
    principals: [root, ...principals],
  });
  const clients: SecretsManagerClient[] = [];
  return {
    local,
    as: (principal = root) => {
      const client = clientOf(local, principal);
      clients.push(client);
      return client;
    },
    send: (principal, operation, body) => sendSigned(local.url, principal, operation, body),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.destroy();
      await local.close();
    },
  };
}

/** A secret `shop` with the tag team=a, and what a principal is answered. */
export async function withSecret<T>(
  principals: readonly LocalPrincipal[],
  use: (harness: EnforcingHarness, arn: string) => Promise<T>,
  more: { readonly KmsKeyId?: string; readonly keys?: readonly LocalKey[] } = {},
): Promise<T> {
  await using harness = await startEnforcing(principals, { keys: more.keys });
  const { ARN = '' } = await harness.as().send(
    new CreateSecretCommand({
      Name: 'shop',
      SecretString: 'value',
      Tags: [{ Key: 'team', Value: 'a' }],
      ...(more.KmsKeyId && { KmsKeyId: more.KmsKeyId }),
    }),
  );
  return await use(harness, ARN);
}

/** An SDK client that signs as a principal. */
export function clientOf(local: LocalSecretsManager, principal: LocalPrincipal): SecretsManagerClient {
  const { accessKeyId, secretAccessKey, sessionToken } = principal;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  return new SecretsManagerClient({ ...local.clientConfig, credentials });
}

/** A request of Secrets Manager's that is signed, and what is sent of it. */
export interface SignedHttpRequest {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @param request `unsigned`: a header that the signature leaves out */
export async function signedRequest(
  url: string,
  credentials: LocalPrincipal,
  { operation, body = {}, unsigned }: { operation: string; body?: object; unsigned?: string },
): Promise<SignedHttpRequest> {
  const { host, hostname, port } = new URL(url);
  const signer = new SignatureV4({
    credentials,
    region: 'us-east-1',
    service: 'secretsmanager',
    sha256: Sha256,
  });
  const content = JSON.stringify(body);
  const { headers } = await signer.sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname,
      port: Number(port),
      path: '/',
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `secretsmanager.${operation}`,
      },
      body: content,
    },
    unsigned === undefined ? {} : { unsignableHeaders: new Set([unsigned]) },
  );
  return { method: 'POST', headers, body: content };
}

/** The SDK would leave out what the operation doesn't have. */
async function sendSigned(
  url: string,
  credentials: LocalPrincipal,
  operation: string,
  content: object,
): Promise<string | undefined> {
  const { headers, body } = await signedRequest(url, credentials, { operation, body: content });
  const { host: _, ...rest } = headers;
  const response = await fetch(url, { method: 'POST', headers: rest, body });
  const { __type }: { readonly __type?: string } = JSON.parse(await response.text());
  return __type;
}

/** The name and the message of a refusal; undefined if the call is not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) throw error;
  return `${error.name}: ${error.message}`;
}
