import { randomBytes, randomUUID } from 'node:crypto';
import { defaultConfiguration } from '../../configuration.ts';
import { counted } from '../../counted.ts';
import { isCauseName } from '../../doctor/causes.ts';
import { hasFailed } from '../../doctor/diagnosis.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import {
  type Blocked,
  type BlockReason,
  type FleetPlan,
  fleetVersion,
  makePlan,
  type PlannedSecret,
  targetOfHost,
} from '../../fleet/plan.ts';
import { createRedactor } from '../../redact.ts';
import { type Secret, unfinishedVersion } from '../../secrets-manager/port.ts';
import { versionWith } from '../../secrets-manager/staging-labels.ts';
import { shellWord } from '../../shell-word.ts';
import { workAtOnce } from '../at-once.ts';
import { regionOf } from '../rotation/clients.ts';
import { lookAtDocument } from '../rotation/document.ts';
import type { Tools } from '../rotation/rotate.ts';
import { type CommandResult, runWithScreen, type Screen } from '../rotation/screen.ts';
import { askPreflight } from '../rotation/status.ts';
import { toolsFor } from '../rotation/tools.ts';
import { inPlace } from './places.ts';
import { startCommand, writePlan } from './plan-file.ts';
import type { PlanWork } from './work.ts';

/** How many secrets are examined at once. */
const looksAtOnce = 16;

/** `keyturn fleet plan`: chooses secrets, finds their targets and what blocks them, and makes the waves. */
export function plan(work: PlanWork): Promise<number> {
  return runWithScreen(
    { json: work.json, redactor: createRedactor() },
    async (screen): Promise<CommandResult> => {
      const found: PlannedSecret[] = [];
      const blocked: Blocked[] = [];
      const seen = new Set<string>();
      for (const profile of orOne(work.profiles)) {
        for (const region of orOne(work.regions)) {
          const place = [profile && `profile ${profile}`, region].filter(Boolean).join(', ');
          screen.progress(`listing secrets${place && ` (${place})`}`);
          const target = { endpoint: work.endpoint, region, profile, secret: '' };
          try {
            // The screen's redactor must not learn these values. None of them is shown, and masking the plan by
            // thousands of values would take minutes.
            await choose(toolsFor(target, createRedactor(), screen), work, { found, blocked, seen });
          } catch (error) {
            throw inPlace(error, { profile, region });
          }
        }
      }
      if (found.length + blocked.length === 0) {
        throw new KeyturnError(
          'SecretNotFound',
          'No secret matches.',
          'See which secrets there are: keyturn list.',
        );
      }
      const made = makePlan(
        found,
        blocked.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
        {
          id: `fleet-${new Date().toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(4).toString('hex')}`,
          madeAt: new Date(),
          waves: work.waves,
          perTarget: work.perTarget,
          atOnce: work.atOnce,
          toleratedPercent: work.toleratedPercent,
          quotaShare: work.quotaShare,
        },
        randomUUID,
      );
      const whole: FleetPlan = { version: fleetVersion, ...made };
      if (work.out !== undefined) await writePlan(work.out, whole);
      showPlan(screen, whole, work);
      return { ok: true, document: { ...whole } };
    },
  );
}

/** The list. If it is empty, a list with one undefined: the default of the environment. */
function orOne<T>(things: readonly T[]): readonly (T | undefined)[] {
  return things.length === 0 ? [undefined] : things;
}

interface Choice {
  readonly found: PlannedSecret[];
  readonly blocked: Blocked[];
  /** The ARNs of all chosen secrets. Two profiles may be of one account, and list the same secrets. */
  readonly seen: Set<string>;
}

async function choose(tools: Tools, work: PlanWork, { found, blocked, seen }: Choice): Promise<void> {
  const listed = tools.secrets.list({ prefix: work.prefix, tags: work.tags });
  await workAtOnce(listed, looksAtOnce, async (secret) => {
    const { arn, name, lastRotated } = secret;
    if (!isChosen(secret, work) || seen.has(arn)) return;
    seen.add(arn);
    const block = (await blockOf(tools, secret, work)) ?? (await targetOf(tools, secret, work));
    if (typeof block === 'string') found.push({ arn, name, target: block, lastRotated });
    else blocked.push({ arn, name, ...block });
  });
}

function isChosen({ arn, functionArn, lastRotated }: Secret, work: PlanWork): boolean {
  const { functions, account, olderThanDays } = work;
  if (functions.length > 0 && !functions.includes(functionArn ?? '')) return false;
  if (account !== undefined && arn.split(':')[4] !== account) return false;
  const ageDays = (Date.now() - (lastRotated?.getTime() ?? 0)) / 86_400_000;
  return olderThanDays === undefined || ageDays >= olderThanDays;
}

type Block = Pick<Blocked, 'reason' | 'detail'>;

async function blockOf(tools: Tools, secret: Secret, { preflight }: PlanWork): Promise<Block | undefined> {
  const block = (reason: BlockReason, detail: string): Block => ({ reason, detail });
  if (secret.deletedOn !== undefined) return block('deleted', 'It is marked for deletion.');
  if (isReplica(secret)) return block('replica', 'It is a replica: it rotates in its primary region.');
  if (secret.owningService !== undefined) return block('managed', `${secret.owningService} rotates it.`);
  if (versionWith(secret.stages, 'AWSCURRENT') === undefined) return block('no-value', 'It has no value.');
  if (secret.rotationEnabled !== true) return block('no-rotation', 'Rotation is off: keyturn attach.');
  if (unfinishedVersion(secret) !== undefined) {
    return block('stuck', `A rotation is under way, or stuck: keyturn doctor ${shellWord(secret.name)}`);
  }
  if (!preflight) return undefined;
  const asked = await askPreflight(tools, secret);
  if (asked.outcome === 'unknown' || !hasFailed(asked)) return undefined;
  // A function's message may hold a part of the secret.
  const code = asked.outcome === 'failed' && isCauseName(asked.code) ? asked.code : 'PreflightFailed';
  return block('preflight-failed', `${code}: keyturn doctor ${shellWord(secret.name)}`);
}

async function targetOf(tools: Tools, secret: Secret, { groupBy }: PlanWork): Promise<string | Block> {
  const byFunction = secret.functionArn ?? 'no function';
  if (groupBy === 'function') return byFunction;
  if (typeof groupBy === 'object') return secret.tags.get(groupBy.tag) ?? byFunction;
  try {
    const { served } = await lookAtDocument(tools.secrets, secret, defaultConfiguration);
    // The function may have a rotator of its own. Then its secrets are one group.
    return served === undefined ? byFunction : targetOfHost(served.host);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return { reason: 'unreadable', detail: `${error.message} Without reading it: --group-by function.` };
  }
}

function showPlan(screen: Screen, made: FleetPlan, { out, profiles }: PlanWork): void {
  screen.heading(`Plan ${made.id}`);
  screen.fact('secrets', `${made.secrets}, of ${counted(made.targets, 'target')}`);
  screen.fact('at once', `${made.perTarget} of a target, ${made.atOnce} in all`);
  for (const { name, items, toleratedFailures } of made.waves) {
    const secrets = items.reduce((sum, one) => sum + one.secrets.length, 0);
    screen.fact(
      name,
      `${counted(secrets, 'secret')} of ${counted(items.length, 'target')}; stops when more than ${toleratedFailures} of them fail`,
    );
  }
  screen.fact(
    'takes',
    `about ${describeSeconds(made.estimatedSeconds)}, under ${Math.round(made.quotaShare * 100)}% of the quotas`,
  );
  for (const { name, reason, detail } of made.blocked) screen.bad(`  ${reason.padEnd(16)}${name}: ${detail}`);
  if (made.blocked.length > 0) screen.bad(`Left out: ${counted(made.blocked.length, 'secret')}.`);
  screen.say(
    out === undefined
      ? 'Nothing was written: give --out FILE to start it later.'
      : `Written to ${out}. Start it: ${startCommand(out, profiles)}`,
  );
}

function describeSeconds(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}

/** Whether a secret is a replica of a secret in another region. */
function isReplica({ arn, primaryRegion }: Secret): boolean {
  return primaryRegion !== undefined && primaryRegion !== regionOf(arn);
}
