import type { FaultRule, LocalSecretsManagerOptions } from '../local/index.ts';
import { apiInputs } from '../local/protocol/api-model/inputs.ts';
import type { OperationName } from '../local/protocol/input.ts';
import { UsageError } from './command.ts';

/** The options of `keyturn local` that make it slow, busy or faulty. */
export const disturbanceOptions = {
  throttle: { type: 'string', multiple: true },
  latency: { type: 'string' },
  fault: { type: 'string', multiple: true },
  seed: { type: 'string' },
} as const;

export const disturbanceHelp = `To see how an application copes when Secrets Manager is slow, busy or out of order:
  --throttle aws           Answer ThrottlingException to calls beyond AWS's quotas per operation, account and region
  --throttle OPERATION=N   The same beyond N calls per second; may be repeated
  --latency MS             Answer each call MS milliseconds later; LEAST-MOST for a random number between
  --fault OPERATION=FAULT[:SHARE]
                           Let calls fail: with the name of an error, such as InternalServiceError, or at the connection:
                           reset, lost-answer or no-answer. SHARE is the share of calls, such as 0.1 (default: all).
                           OPERATION may be * for every operation; may be repeated
  --seed N                 Draw the same random numbers again; the seed is in the first lines of output
`;

interface Given {
  readonly throttle?: readonly string[] | undefined;
  readonly latency?: string | undefined;
  readonly fault?: readonly string[] | undefined;
  readonly seed?: string | undefined;
}

type Disturbance = Pick<LocalSecretsManagerOptions, 'throttle' | 'latencyMs' | 'faults' | 'seed'>;

/**
 * @returns no options if nothing is disturbed; otherwise with a seed, which the command prints
 * @throws UsageError
 */
export function parseDisturbance({ throttle, latency, fault, seed }: Given): Disturbance {
  const disturbance = {
    ...(throttle && { throttle: parseThrottle(throttle) }),
    ...(latency !== undefined && { latencyMs: parseLatency(latency) }),
    ...(fault && { faults: fault.map(parseFault) }),
  };
  if (Object.keys(disturbance).length > 0) return { ...disturbance, seed: parseSeed(seed) };
  if (seed === undefined) return {};
  throw new UsageError('--seed is for --latency and --fault: give one of them');
}

function parseThrottle(texts: readonly string[]): Disturbance['throttle'] {
  if (texts.length === 1 && texts[0] === 'aws') return 'aws';
  const quotas = texts.map((text): [OperationName, number] => {
    const [, operation = '', perSecond] = /^(\w+)=([1-9]\d{0,6})$/.exec(text) ?? [];
    if (isOperation(operation)) return [operation, Number(perSecond)];
    throw new UsageError(`--throttle must be aws or like GetSecretValue=10, not '${text}'`);
  });
  return Object.fromEntries(quotas);
}

function parseLatency(text: string): Disturbance['latencyMs'] {
  const [, least, most = least] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text) ?? [];
  if (least !== undefined && Number(least) <= Number(most)) return [Number(least), Number(most)];
  throw new UsageError(`--latency must be milliseconds, such as 50 or 20-80, not '${text}'`);
}

function parseFault(text: string): FaultRule {
  const [, operation = '', fault = '', share = '1'] =
    /^(\w+|\*)=(reset|lost-answer|no-answer|[A-Z][A-Za-z]+)(?::(0?\.\d+|1))?$/.exec(text) ?? [];
  const rule = { fault, share: Number(share) };
  if (rule.share > 0 && operation === '*') return rule;
  if (rule.share > 0 && isOperation(operation)) return { ...rule, operation };
  throw new UsageError(`--fault must be like GetSecretValue=InternalServiceError:0.1, not '${text}'`);
}

function parseSeed(text: string | undefined): number {
  if (text === undefined) return Math.floor(Math.random() * 2 ** 32);
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new UsageError(`--seed must be a number, not '${text}'`);
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(apiInputs, name);
}
