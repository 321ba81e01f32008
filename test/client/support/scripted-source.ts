import type { ReadAnswer, ReadRequest, SecretSource } from '../../../src/client/index.ts';

/** A source in memory whose labels move when a test says so, and whose answers take the time that a test says. */
export interface ScriptedSource extends SecretSource {
  /** Which version each label is on; a version's password is its id. */
  readonly labels: Record<string, string>;
  /** What was read, in order, such as `AWSCURRENT`. */
  readonly reads: string[];
  /** When each read began, ms of the monotonic clock. */
  readonly readAt: number[];
  readonly requests: ReadRequest[];
  /** How long a read takes, in ms. Its answer tells the state at its beginning. */
  latencyMs: number;
  /** If set, reads throw this instead of answering. */
  failWith: ((request: ReadRequest) => Error | undefined) | undefined;
}

export function scriptedSource(current = 'v1'): ScriptedSource {
  const source: ScriptedSource = {
    labels: { AWSCURRENT: current },
    reads: [],
    readAt: [],
    requests: [],
    latencyMs: 5,
    failWith: undefined,
    read: async (request) => {
      source.requests.push(request);
      source.reads.push(request.stage);
      source.readAt.push(performance.now());
      const version = source.labels[request.stage];
      const failure = source.failWith?.(request);
      await wait(source.latencyMs);
      if (failure !== undefined) throw failure;
      if (version === undefined) throw noVersion(request);
      return answerOf(request.secretId, version);
    },
  };
  return source;
}

/** An error as the SDK throws it. */
export function awsError(name: string, message = 'told so by a test'): Error {
  return Object.assign(new Error(message), { name, $fault: 'client' });
}

function noVersion({ stage }: ReadRequest): Error {
  return awsError(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for staging label: ${stage}`,
  );
}

export function answerOf(secretId: string, version: string): ReadAnswer {
  const fields = { host: 'db.example', username: 'app', password: `password of ${version}` };
  return { arn: `arn:of:${secretId}`, versionId: version, text: JSON.stringify(fields) };
}

/** By the global timer, which tests replace. */
function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
