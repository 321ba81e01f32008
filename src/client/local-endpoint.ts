import { KeyturnError, messageOf } from '../errors.ts';
import { readAnswer } from './read-errors.ts';
import type { ReadAnswer, ReadRequest } from './source.ts';
import { sleep } from './timing.ts';

/** The HTTP endpoint of the extension or the agent. */
export interface Endpoint {
  readonly port: number;
  /** Proves that the application itself asks, and was not tricked into fetching the URL. */
  readonly token: string;
}

/** The extension or the agent may start together with the application. So it is asked again for a while. */
const tries = 20;
const pauseMs = 100;

/**
 * Reads by the protocol that the extension and the agent share.
 *
 * @throws errors named as AWS names them; SecretIsBinary, SecretHasNoValue
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/secrets-manager-agent.html
 */
export async function readFrom(
  { port, token }: Endpoint,
  { secretId, stage, versionId, fresh, signal }: ReadRequest,
): Promise<ReadAnswer> {
  const query = new URLSearchParams({ secretId });
  if (versionId === undefined) query.set('versionStage', stage);
  else query.set('versionId', versionId);
  if (fresh) query.set('refreshNow', 'true');
  const url = `http://localhost:${port}/secretsmanager/get?${query}`;
  const headers = { 'X-Aws-Parameters-Secrets-Token': token };
  for (let left = tries; ; left -= 1) {
    const answer = await fetch(url, { headers, signal, redirect: 'error' }).catch((error: unknown) => {
      if (left > 1 && !signal.aborted) return undefined;
      throw named('ConnectionError', `nothing answers at port ${port}`, error);
    });
    const text = await answer?.text();
    if (answer?.ok === true) return readAnswer(secretId, parse(text ?? ''));
    const isStarting = answer === undefined || /not ready|not enabled/i.test(text ?? '');
    if (!isStarting || left <= 1) throw refusal(answer?.status ?? 0, text ?? '');
    await sleep(pauseMs, { signal });
  }
}

function parse(text: string): object {
  try {
    return Object(JSON.parse(text));
  } catch {
    // The answer may hold the value, so the error quotes nothing of it.
    throw named('ConnectionError', 'the answer is no JSON');
  }
}

/** The error for an HTTP error. The agent passes AWS's errors on; the extension names them in its text. */
function refusal(status: number, text: string): Error {
  if (status === 403 && /token/i.test(text)) return named('TokenRefused', 'its token was refused');
  const name = /\b[A-Z]\w+Exception\b/.exec(text)?.[0] ?? 'RequestFailed';
  return named(name, `it answered ${status}: ${text.slice(0, 300)}`);
}

function named(name: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name });
}

/** Returns a token as it is, or reads it from a file such as `file:///var/run/awssmatoken`. @throws InvalidConfiguration */
export async function readToken(token: string): Promise<string> {
  if (!token.startsWith('file:')) return token;
  const { readFile } = await import('node:fs/promises');
  try {
    return (await readFile(new URL(token), 'utf8')).trim();
  } catch (error) {
    throw new KeyturnError(
      'InvalidConfiguration',
      `The token's file can't be read: ${messageOf(error)}.`,
      'Let the application read it, or give the token itself.',
      { field: 'token', cause: error },
    );
  }
}
