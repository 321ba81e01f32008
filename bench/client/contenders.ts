import { setTimeout as sleep } from 'node:timers/promises';
import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { createSecrets } from '../../src/client/index.ts';
import type { SecretFields } from '../../src/rotator/index.ts';
import type { Subject } from './cases.ts';

/** A kind of application: it reads its secret in its own way. */
export interface Contender {
  readonly name: string;
  readonly about: string;
  start(
    subject: Subject,
    client: SecretsManagerClient,
    resources: AsyncDisposableStack,
  ): Promise<() => Promise<unknown>>;
}

/**
 * How often secrets rotate here, and how long configurable caches keep a value. A second is Powertools' minimum. Production
 * has rarer rotations and longer caches. The number of failed calls for each rotation depends on the cache's age.
 */
export const rotationEveryMs = 1_000;
const cacheMs = rotationEveryMs;

export const contenders: readonly Contender[] = [
  {
    name: 'keyturn/client',
    about: 'a pool of 20, all defaults',
    start: async (subject, client, resources) =>
      subject.pooled(createSecrets({ client }).secret(subject.arn), resources),
  },
  {
    name: 'Powertools parameters',
    about: `SecretsProvider, maxAge of ${cacheMs} ms`,
    start: async ({ arn, open }, awsSdkV3Client) => {
      const provider = new SecretsProvider({ awsSdkV3Client });
      return async () => open(fieldsOf(await provider.get(arn, { maxAge: cacheMs / 1_000 })));
    },
  },
  {
    name: 'aws-secretsmanager-caching',
    about: "its algorithm in JavaScript, with the retries of AWS's JDBC driver, all defaults",
    start: async ({ arn, open, isRefused }, client) => {
      const cache = cachingLibrary(client, arn);
      return () => cache.connect(open, isRefused);
    },
  },
  {
    name: 'naive cache',
    about: `a value and a date, ${cacheMs} ms`,
    start: async ({ arn, open }, client) => {
      let known: { readonly fields: SecretFields; readonly readAt: number } | undefined;
      return async () => {
        if (known === undefined || performance.now() - known.readAt > cacheMs) {
          const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
          known = { fields: fieldsOf(SecretString), readAt: performance.now() };
        }
        return open(known.fields);
      };
    },
  },
];

function fieldsOf(text: unknown): SecretFields {
  return Object(JSON.parse(String(text)));
}

/**
 * Does the same as aws-secretsmanager-caching (Java; there is none for JavaScript). DescribeSecret tells which version has
 * AWSCURRENT, and its value is read once. Both are refreshed after half an hour to an hour. After a refused login, AWS's
 * JDBC driver refreshes the cache, waits for up to 100 ms at random, and tries again, up to 5 times.
 *
 * @see https://github.com/aws/aws-secretsmanager-caching-java
 * @see https://github.com/aws/aws-secretsmanager-jdbc
 */
function cachingLibrary(client: SecretsManagerClient, SecretId: string) {
  const [ttlMs, jitterMs, retries] = [3_600_000, 100, 5];
  const versions = new Map<string, Promise<SecretFields>>();
  let described: Promise<string> | undefined;
  let refreshAt = 0;
  const describe = async (): Promise<string> => {
    refreshAt = Date.now() + ttlMs / 2 + (Math.random() * ttlMs) / 2;
    const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
    return Object.keys(VersionIdsToStages).find((id) => VersionIdsToStages[id]?.includes('AWSCURRENT')) ?? '';
  };
  const readVersion = async (VersionId: string): Promise<SecretFields> =>
    fieldsOf((await client.send(new GetSecretValueCommand({ SecretId, VersionId }))).SecretString);
  const get = async (): Promise<SecretFields> => {
    if (described === undefined || Date.now() >= refreshAt) described = describe();
    const id = await described;
    const known = versions.get(id) ?? readVersion(id);
    versions.set(id, known);
    return known;
  };
  return {
    connect: async (open: Subject['open'], isRefused: Subject['isRefused']): Promise<unknown> => {
      for (let attempt = 0; ; attempt += 1) {
        try {
          return await open(await get());
        } catch (error) {
          if (!isRefused(error) || attempt >= retries) throw error;
          await sleep(Math.random() * jitterMs);
          described = describe();
        }
      }
    },
  };
}
