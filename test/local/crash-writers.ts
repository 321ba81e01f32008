import { isDeepStrictEqual } from 'node:util';
import { token } from './harness.ts';

/** Calls an operation. @returns the answer's members, or AWS's name of the error */
export type Call = (operation: string, input: object) => Promise<Record<string, unknown>>;

/** A writer of numbered writes to its own secrets, and what a reader must see after the first `n` of them. */
export interface Writer {
  readonly name: string;
  write(n: number): readonly [operation: string, input: object];
  see(call: Call): Promise<unknown>;
  expected(n: number): unknown;
}

/** A new value in each write: AWSCURRENT, AWSPREVIOUS and both values move together. */
function counting(name: string): Writer {
  const value = (n: number) => ({ VersionId: token(String(n)), SecretString: `${name} ${n}` });
  return {
    name,
    write: (n) => {
      const { VersionId, SecretString } = value(n);
      if (n === 0) return ['CreateSecret', { Name: name, ClientRequestToken: VersionId, SecretString }];
      return ['PutSecretValue', { SecretId: name, ClientRequestToken: VersionId, SecretString }];
    },
    see: async (call) => [
      await valueAt(call, { SecretId: name }),
      await valueAt(call, { SecretId: name, VersionStage: 'AWSPREVIOUS' }),
    ],
    expected: (n) => [value(n), n === 0 ? 'ResourceNotFoundException' : value(n - 1)],
  };
}

/** The description and the value change in one write. */
function updating(name: string): Writer {
  const state = (n: number) => ({ Description: String(n), SecretString: `${name} ${n}` });
  return {
    name,
    write: (n) => {
      const input = { ...state(n), ClientRequestToken: token(String(n)) };
      return n === 0
        ? ['CreateSecret', { Name: name, ...input }]
        : ['UpdateSecret', { SecretId: name, ...input }];
    },
    see: async (call) => {
      const { Description } = await call('DescribeSecret', { SecretId: name });
      const { SecretString } = await call('GetSecretValue', { SecretId: name });
      return { Description, SecretString };
    },
    expected: state,
  };
}

/** One secret after the other, each deleted before the next is made. */
function comingAndGoing(name: string): Writer {
  const nameOf = (n: number) => `${name}-${Math.floor(n / 2)}`;
  return {
    name,
    write: (n) => {
      if (n % 2 === 1) return ['DeleteSecret', { SecretId: nameOf(n), ForceDeleteWithoutRecovery: true }];
      const input = { Name: nameOf(n), ClientRequestToken: token(String(n)), SecretString: `${name} ${n}` };
      return ['CreateSecret', input];
    },
    see: async (call) => {
      const { SecretValues } = await call('BatchGetSecretValue', {
        Filters: [{ Key: 'name', Values: [name] }],
      });
      if (!Array.isArray(SecretValues)) return SecretValues;
      return SecretValues.map(({ Name, SecretString }) => ({ Name, SecretString }));
    },
    expected: (n) => (n % 2 === 1 ? [] : [{ Name: nameOf(n), SecretString: `${name} ${n}` }]),
  };
}

/** Two writers of each kind. */
export function makeWriters(): Writer[] {
  return ['a', 'b'].flatMap((letter) => [
    counting(`counting-${letter}`),
    updating(`updating-${letter}`),
    comingAndGoing(`coming-and-going-${letter}`),
  ]);
}

/** What a writer knows of its writes: how many were sent, and how many of those answered. */
export interface Progress {
  readonly writer: Writer;
  sent: number;
  answered: number;
}

/** Whether all answered writes are there, and the one without an answer is there as a whole or not at all. */
export async function check(call: Call, progress: Progress): Promise<void> {
  const { writer, answered, sent } = progress;
  if (sent === 0) return;
  const seen = await writer.see(call);
  const found = [sent, answered].find((n) => n > 0 && isDeepStrictEqual(seen, writer.expected(n - 1)));
  if (found === undefined && answered > 0) {
    throw new Error(
      `${writer.name}: ${answered} of ${sent} writes were answered, and this is there: ${JSON.stringify(seen)}`,
    );
  }
  progress.sent = progress.answered = found ?? 0;
}

/** Writes until `call` fails, because the server was killed. */
export async function writeOn(call: Call, progress: Progress): Promise<void> {
  for (;;) {
    const [operation, input] = progress.writer.write(progress.sent);
    progress.sent += 1;
    const answer = await call(operation, input).catch(() => undefined);
    if (answer === undefined) return;
    if ('__type' in answer)
      throw new Error(`${progress.writer.name}: ${operation} answered ${answer.__type}`);
    progress.answered = progress.sent;
  }
}

async function valueAt(call: Call, place: object): Promise<unknown> {
  const { __type, VersionId, SecretString } = await call('GetSecretValue', place);
  return __type ?? { VersionId, SecretString };
}
