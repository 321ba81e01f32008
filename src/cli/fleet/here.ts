import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { counted } from '../../counted.ts';
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
import { type CommandResult, runWithScreen, type Screen } from '../rotation/screen.ts';
import { onEndingSignals } from '../signals.ts';
import { clientsFor } from './places.ts';
import { daysOld, readPlan, startCommand } from './plan-file.ts';
import type { RunWork } from './work.ts';

/** How often progress is printed, in ms. */
const progressEveryMs = 2000;

/**
 * `keyturn fleet start --here`: runs a plan from this process. After the first signal no more rotations begin, and it
 * waits for those under way. At the second signal it ends at once, and names the rotations that it leaves to Secrets
 * Manager.
 */
export function startHere(work: RunWork): Promise<number> {
  return runWithScreen(
    { json: work.json, redactor: createRedactor() },
    async (screen): Promise<CommandResult> => {
      const made = await readPlan(work.file);
      const age = daysOld(made);
      screen.heading(`Plan ${made.id}: ${counted(made.secrets, 'secret')}`);
      tellAge(screen, age);
      if (made.secrets === 0) return nothingToRotate(screen, made);
      const apiOf = await clientsFor(work, made);
      const stop = new AbortController();
      const underWay = new Map<string, string>();
      const stopHearing = onEndingSignals((exitCode) => {
        if (stop.signal.aborted) endNow(made, [...underWay.values()], work, exitCode);
        stop.abort();
        const names = underWay.size === 0 ? '' : ` (${[...underWay.values()].join(', ')})`;
        tellAtOnce(
          2,
          `Nothing more begins. Waiting for what is under way: ${counted(underWay.size, 'rotation')}${names}. A second signal ends this now, and leaves them to Secrets Manager.`,
        );
      });
      let toldAt = 0;
      try {
        const result = await runFleet(made, {
          api: apiBy(apiOf),
          clock: { now: () => performance.now(), sleep: (ms) => sleep(ms) },
          stop: stop.signal,
          onBegin: ({ arn, name }) => underWay.set(arn, name),
          onOutcome: ({ arn, name, outcome, detail }) => {
            underWay.delete(arn);
            if (outcome !== 'rotated' && outcome !== 'already-rotated' && outcome !== 'not-started') {
              screen.bad(`  ${outcome.padEnd(16)}${name} ${detail}`);
            }
          },
          onProgress: ({ wave, done, failed, underWay: count, all }) => {
            if (performance.now() - toldAt < progressEveryMs) return;
            toldAt = performance.now();
            screen.progress(`${wave}: ${done} of ${all} rotated, ${failed} failed, ${count} under way`);
          },
        });
        showResult(screen, made, result, work);
        const { failures, ...rest } = result;
        const left = result.end !== 'finished' || failures.length > 0;
        return {
          ok: !left,
          document: { plan: made.id, planDaysOld: age ?? 0, secrets: made.secrets, ...rest, failures },
        };
      } finally {
        stopHearing();
      }
    },
  );
}

/** Ends this process, with the names of the rotations that it no longer waits for. */
function endNow(made: FleetPlan, underWay: readonly string[], work: RunWork, exitCode: number): never {
  const names = underWay.length === 0 ? 'none' : underWay.join(', ');
  const again = startCommand(work.file, work.profiles);
  tellAtOnce(2, `Left to Secrets Manager, which completes them: ${names}. Go on later: ${again}`);
  if (work.json)
    tellAtOnce(1, JSON.stringify({ plan: made.id, secrets: made.secrets, end: 'left', underWay }));
  process.exit(exitCode);
}

/** Prints a line synchronously, because the process may end right after it. */
function tellAtOnce(descriptor: 1 | 2, line: string): void {
  try {
    writeSync(descriptor, `${line}\n`);
  } catch {
    // The terminal is gone.
  }
}

/** Warns that a plan is old. */
export function tellAge(screen: Screen, days: number | undefined): void {
  if (days === undefined) return;
  screen.bad(
    `The plan is ${days === 1 ? 'a day' : `${days} days`} old: secrets that were made since are not in it.`,
  );
}

/** The answer if a plan leaves all secrets out. */
export function nothingToRotate(screen: Screen, { id, blocked }: FleetPlan): CommandResult {
  screen.say(`Nothing to rotate: the plan leaves out ${counted(blocked.length, 'secret')}.`);
  return { ok: true, document: { plan: id, secrets: 0, end: 'finished', blocked } };
}

function showResult(screen: Screen, { secrets }: FleetPlan, result: FleetResult, work: RunWork): void {
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
  screen.say(`- Go on with what is left: ${startCommand(work.file, work.profiles)}`);
}

/** The calls of a run, all with one client. */
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

/** How many secrets are described at once. */
const asksAtOnce = 20;

/** `keyturn fleet report`: asks Secrets Manager which secrets of a plan are rotated, wherever the plan was run. */
export function report(work: RunWork): Promise<number> {
  return runWithScreen(
    { json: work.json, redactor: createRedactor() },
    async (screen): Promise<CommandResult> => {
      const made = await readPlan(work.file);
      tellAge(screen, daysOld(made));
      screen.progress(`asking for ${counted(made.secrets, 'secret')}`);
      const api = apiBy(await clientsFor(work, made));
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
            const decision = decide(await api.describe(arn), rotatedBefore);
            outcome = decision === 'due' ? 'not-started' : decision;
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
    },
  );
}
