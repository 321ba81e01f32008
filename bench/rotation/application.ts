import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { withClient } from '../../test/support/postgres-server.ts';
import type { Servers } from './servers.ts';

/** A login with AWSCURRENT, and when it ended (ms, monotonic). */
interface Attempt {
  readonly accepted: boolean;
  readonly endedMs: number;
}

/** SQLSTATE invalid_password: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const refusal = '28P01';

/**
 * Plays an application that repeatedly reads AWSCURRENT and logs in with it, without added latency, while `act` runs.
 *
 * @returns for how long it was shut out, in ms: from the last accepted login before a refusal to the first one after it.
 *   0 if none was refused
 */
export async function shutOutDuring(
  servers: Servers,
  { secretArn, tls }: { readonly secretArn: string; readonly tls: boolean },
  act: () => Promise<unknown>,
): Promise<number> {
  const attempts: Attempt[] = [await logIn(servers, secretArn, tls)];
  let ended = false;
  const acting = act().finally(() => {
    ended = true;
  });
  while (!ended) attempts.push(await logIn(servers, secretArn, tls));
  await acting;
  attempts.push(await logIn(servers, secretArn, tls));
  return longestShutOut(attempts);
}

async function logIn({ client, postgres }: Servers, SecretId: string, tls: boolean): Promise<Attempt> {
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }));
  const { username, password }: { username: string; password: string } = JSON.parse(SecretString);
  const { host, port } = postgres;
  const ca = tls ? postgres.ca : undefined;
  const accepted = await withClient({ host, port, ca, user: username, password }, async () => true).catch(
    (error: unknown) => {
      if (error instanceof Error && Reflect.get(error, 'code') === refusal) return false;
      throw error;
    },
  );
  return { accepted, endedMs: performance.now() };
}

function longestShutOut(attempts: readonly Attempt[]): number {
  let longest = 0;
  let lastAccepted = attempts[0]?.endedMs ?? 0;
  let refused = false;
  for (const { accepted, endedMs } of attempts) {
    if (accepted) {
      if (refused) longest = Math.max(longest, endedMs - lastAccepted);
      lastAccepted = endedMs;
    }
    refused = !accepted;
  }
  return longest;
}
