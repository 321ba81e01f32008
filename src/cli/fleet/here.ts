import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { isKeyturnError } from '../../errors.ts';
import { decide, type Outcome } from '../../fleet/decisions.ts';
import type { FleetPlan } from '../../fleet/plan.ts';
import {
  type FleetApi,
  type FleetResult,
  outcomeOf,
  runFleet,
  type SecretOutcome,
  zeroCounts,
} from '../../fleet/run.ts';
import { createRedactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import type { SecretsManagementPort } from '../../secrets-manager/port.ts';
import { connect, regionOf } from '../rotation/clients.ts';
import { type Answer, type Screen, showing } from '../rotation/screen.ts';
import { readPlan } from './plan-file.ts';
import type { RunWork } from './work.ts';

/** How often progress is printed, in ms. */
const progressEveryMs = 2000;

/**
 * `keyturn fleet start --here`: runs a plan from this process. After the first signal, nothing more begins, and it
 * waits for what is under way.
 */
export function startHere(work: RunWork): Promise<number> {
  return showing({ json: work.json, redactor: createRedactor() }, async (screen): Promise<Answer> => {
    const made = await readPlan(work.file);
    screen.heading(`Plan ${made.id}: ${made.secrets} secrets`);
    const stop = new AbortController();
    const onSignal = (): void => {
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
      screen.bad(
        'Nothing more begins. Waiting for what is under way; once more to leave it to Secrets Manager.',
      );
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    let toldAt = 0;
    try {
      const result = await runFleet(made, {
        api: fleetApi(work),
        clock: { now: () => performance.now(), sleep: (ms) => sleep(ms) },
        stop: stop.signal,
        onOutcome: ({ name, outcome, detail }) => {
          if (outcome !== 'rotated' && outcome !== 'already-rotated' && outcome !== 'not-started') {
            screen.bad(`  ${outcome.padEnd(16)}${name} ${detail}`);
          }
        },
        onProgress: ({ wave, done, failed, underWay, all }) => {
          if (performance.now() - toldAt < progressEveryMs) return;
          toldAt = performance.now();
          screen.progress(`${wave}: ${done} of ${all} rotated, ${failed} failed, ${underWay} under way`);
        },
      });
      showResult(screen, made, result, work.file);
      const { failures, ...rest } = result;
      const left = result.end !== 'finished' || failures.length > 0;
      return { ok: !left, document: { plan: made.id, secrets: made.secrets, ...rest, failures } };
    } finally {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    }
  });
}

function showResult(screen: Screen, { secrets }: FleetPlan, result: FleetResult, file: string): void {
  const { end, counts, failures, durationMs } = result;
  const done = counts.rotated + counts['already-rotated'];
  const before = counts['already-rotated'] === 0 ? '' : `, ${counts['already-rotated']} of them before`;
  const line = `${done} of ${secrets} are rotated${before}, after ${Math.round(durationMs / 1000)} s.`;
  if (end === 'finished' && failures.length === 0) {
    screen.good(line);
    return;
  }
  if (end === 'braked') screen.bad('Too many targets failed: nothing more was begun.');
  if (end === 'stopped') screen.bad('It was stopped.');
  screen.bad(line);
  screen.say(`- Find out why: keyturn doctor SECRET`);
  screen.say(`- Go on with what is left: keyturn fleet start ${file} --here`);
}

/** The calls of a run, in each secret's own region. */
function fleetApi(work: RunWork): FleetApi {
  const regions = new Map<string, SecretsManagementPort>();
  const apiOf = (arn: string): SecretsManagementPort => {
    const region = regionOf(arn) ?? '';
    const known = regions.get(region);
    if (known !== undefined) return known;
    const { secretsManager } = connect({ endpoint: work.endpoint, region, secret: arn }, process.env);
    const secrets = createAwsSecretsManagement({ client: secretsManager, reader: 'person' });
    regions.set(region, secrets);
    return secrets;
  };
  return apiBy(apiOf);
}

/** The calls of a run by one client. */
export function connectedApi(getClient: () => Promise<SecretsManagerClient>): FleetApi {
  const secrets = createAwsSecretsManagement({ client: getClient, reader: 'person' });
  return apiBy(() => secrets);
}

function apiBy(apiOf: (arn: string) => SecretsManagementPort): FleetApi {
  return {
    describe: async (arn) => {
      const { deletedOn, lastRotated, rotationEnabled } = await apiOf(arn).describe(arn);
      return {
        deletedOn: deletedOn?.toISOString(),
        lastRotated: lastRotated?.toISOString(),
        rotationEnabled,
      };
    },
    rotate: async (arn, token) => {
      await apiOf(arn).rotate(arn, { token, immediately: true });
    },
  };
}

/** How many secrets are asked for at once. */
const asksAtOnce = 20;

/** `keyturn fleet report`: asks Secrets Manager which secrets of a plan are rotated, whoever has run it. */
export function report(work: RunWork): Promise<number> {
  return showing({ json: work.json, redactor: createRedactor() }, async (screen): Promise<Answer> => {
    const made = await readPlan(work.file);
    screen.progress(`asking for ${made.secrets} secrets`);
    const api = fleetApi(work);
    const counts = zeroCounts();
    const left: SecretOutcome[] = [];
    const queue = made.waves
      .flatMap(({ items }) =>
        items.flatMap((item) => item.secrets.map((one) => ({ ...one, target: item.target }))),
      )
      .values();
    const ask = async (): Promise<void> => {
      for (const { arn, name, target, rotatedBefore } of queue) {
        let outcome: Outcome;
        let detail = '';
        try {
          const verdict = decide(await api.describe(arn), rotatedBefore);
          outcome = verdict === 'due' ? 'not-started' : verdict;
        } catch (error) {
          if (!isKeyturnError(error)) throw error;
          outcome = outcomeOf(error.code);
          detail = error.message;
        }
        counts[outcome] += 1;
        if (outcome !== 'rotated') left.push({ arn, name, target, outcome, detail });
      }
    };
    await Promise.all(Array.from({ length: asksAtOnce }, ask));
    screen.heading(`Plan ${made.id}`);
    screen.fact('rotated', `${counts.rotated} of ${made.secrets}`);
    left.sort((one, other) => (one.name < other.name ? -1 : 1));
    for (const { name, target, outcome, detail } of left) {
      const words = outcome === 'not-started' ? 'not rotated' : outcome;
      screen.bad(`  ${words.padEnd(16)}${name} at ${target} ${detail}`);
    }
    for (const { name, reason } of made.blocked)
      screen.bad(`  ${reason.padEnd(16)}${name}, left out by the plan`);
    return {
      ok: true,
      needsAttention: left.length > 0,
      document: { plan: made.id, secrets: made.secrets, counts, left, blocked: made.blocked },
    };
  });
}
