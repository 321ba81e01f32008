import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AskedVersion, brokenConnection, type Checkpoint, Crash, type StaleAnswer } from './faults.ts';
import { type Lifetime, passCheckpoint } from './pass.ts';

const reads = new Set(['DescribeSecret', 'GetSecretValue', 'ListSecretVersionIds']);

/** Whether an operation only reads, so that its answer may be stale. */
export function isRead(operation: string): boolean {
  return reads.has(operation);
}

/**
 * Makes every call of a client pass the checkpoint. Throttling and broken connections happen below the SDK's own retries,
 * as on AWS. The other faults happen above them.
 */
export function interceptSecretsManager(
  client: SecretsManagerClient,
  checkpoint: Checkpoint,
  lifetime: Lifetime,
): void {
  const armed = new Map<object, 'lost-answer' | 'throttled'>();

  client.middlewareStack.add(
    (next, context) => (args) => {
      const name = String(context.commandName).replace(/Command$/, '');
      const perform = () => next(args);
      const armedWith = async (fault: 'lost-answer' | 'throttled') => {
        armed.set(context, fault);
        return perform();
      };
      const call = {
        to: 'Secrets Manager',
        name,
        asked: isRead(name) ? askedVersion(args.input) : undefined,
      } as const;
      return passCheckpoint(checkpoint, lifetime, call, {
        perform,
        lose: () => armedWith('lost-answer'),
        throttle: () => armedWith('throttled'),
        refuse: async () => {
          throw serviceError('AccessDeniedException', `The function may not call ${name} just now.`);
        },
        stale: async (answer) =>
          answer === undefined ? perform() : { response: undefined, output: outputOf(answer) },
      });
    },
    { step: 'initialize', name: 'passCheckpoint' },
  );

  client.middlewareStack.add(
    (next, context) => async (args) => {
      if (lifetime.dead) throw new Crash();
      const fault = armed.get(context);
      armed.delete(context);
      if (fault === 'throttled') throw serviceError('ThrottlingException', 'Rate exceeded');
      const answer = await next(args);
      if (fault === 'lost-answer') throw brokenConnection();
      return answer;
    },
    { step: 'finalizeRequest', name: 'meetFault', priority: 'low' },
  );
}

function askedVersion(input: object): AskedVersion {
  const text = (member: string): string | undefined => {
    const value: unknown = Reflect.get(input, member);
    return typeof value === 'string' ? value : undefined;
  };
  return { secretId: text('SecretId'), versionId: text('VersionId'), stage: text('VersionStage') };
}

/** The output of a stale answer, with the metadata that the SDK expects. */
function outputOf(answer: StaleAnswer) {
  if ('error' in answer) throw serviceError(answer.error.name, answer.error.message);
  return { $metadata: {}, ...answer.output };
}

function serviceError(name: string, message: string): Error {
  const $metadata = { httpStatusCode: 400, attempts: 1, totalRetryDelay: 0 };
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata });
}
