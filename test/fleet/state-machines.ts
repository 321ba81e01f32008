import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateStateMachineCommand } from '@aws-sdk/client-sfn';
import { expect } from 'vitest';
import { type Definition, fleetDefinition, targetDefinition } from '../../src/fleet/definition.ts';
import type { FleetPlan } from '../../src/fleet/plan.ts';
import type { LocalPrincipal, LocalSecretsManagerOptions } from '../../src/local/index.ts';
import { runKeyturnAlone } from '../cli/keyturn-process.ts';
import { type S3Call, type S3Server, startS3 } from '../support/s3-server.ts';
import { type Interpreter, type RoleKeys, startInterpreter } from '../support/step-functions/interpreter.ts';
import { type Redriving, startRedriving } from '../support/step-functions/redriving.ts';
import { type Fleet, startFleet } from './fleet-fixture.ts';

export const python = process.env.KEYTURN_TEST_STEP_FUNCTIONS_PYTHON;
const missing = 'KEYTURN_TEST_STEP_FUNCTIONS_PYTHON names no Python with an interpreter of state machines';
/** What a suite's name says where it is skipped. */
export const skipped = python ? '' : ` (skipped: ${missing})`;

/** The account that the interpreter has. */
export const accountId = '000000000000';

/** The state machines of fleet.yaml at an interpreter, with a fleet of secrets. */
export interface StateMachines {
  readonly fleet: Fleet;
  readonly s3: S3Server;
  readonly interpreter: Interpreter;
  readonly redriving: Redriving;
  /** ARN of the fleet's state machine. */
  readonly machine: string;
  /** ARN of a target's state machine. */
  readonly targetMachine: string;
  /** The variables with which a command finds all of it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Creates a state machine, with the substitutions of the template. */
  create(
    name: string,
    definition: Definition,
    names: Readonly<Record<string, string>>,
    roleArn?: string,
  ): Promise<string>;
  /** Runs `keyturn fleet ARGS --json`. */
  keyturn(...args: string[]): Promise<{ code: number | null; document: Record<string, unknown> }>;
  /** Makes a plan with short waits between looks. @returns its file */
  planFor(prefix: string, ...more: string[]): Promise<string>;
  /** The same, for rotations that a test holds back: they are looked for as long as the test takes. */
  planForHeld(prefix: string, ...more: string[]): Promise<string>;
  close(): Promise<void>;
}

/** How the surroundings of the state machines are set up. */
export interface StateMachinesSettings {
  readonly options?: LocalSecretsManagerOptions;
  /** The principal that makes the secrets, and also is the function. */
  readonly owner?: LocalPrincipal;
  /** The keys that sign the calls of a role's state machines. */
  readonly roleKeys?: RoleKeys;
  readonly targetRole?: string;
  readonly fleetRole?: string;
  /** Whether a caller may make a call of S3. */
  readonly allows?: (call: S3Call) => boolean;
}

export async function startStateMachines(settings: StateMachinesSettings = {}): Promise<StateMachines> {
  const { options = { throttle: 'aws' as const }, owner, roleKeys = {} } = settings;
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-states-test-'));
  const fleet = await startFleet({ accountId, ...options }, owner);
  const s3 = await startS3(['plans'], settings.allows);
  const at = { secretsManager: fleet.local.url, s3: s3.url };
  const interpreter = await startInterpreter(String(python), { ...at, roleKeys });
  const redriving = await startRedriving(interpreter, s3, 'plans');
  const create: StateMachines['create'] = async (name, definition, names, role) => {
    const text = Object.entries(names).reduce(
      (sum, [one, value]) => sum.replaceAll(`\${${one}}`, value),
      JSON.stringify(definition),
    );
    const roleArn = role ?? `arn:aws:iam::${accountId}:role/fleet`;
    const made = await interpreter.client.send(
      new CreateStateMachineCommand({ name, definition: text, roleArn }),
    );
    return String(made.stateMachineArn);
  };
  const targetMachine = await create('keyturn-fleet-target', targetDefinition, {}, settings.targetRole);
  const names = { Bucket: 'plans', TargetStateMachineArn: targetMachine };
  const machine = await create('keyturn-fleet', fleetDefinition, names, settings.fleetRole);
  const variables = {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: fleet.local.url,
    AWS_ENDPOINT_URL_SFN: redriving.url,
    AWS_ENDPOINT_URL_S3: s3.url,
    ...(owner === undefined
      ? {}
      : { AWS_ACCESS_KEY_ID: owner.accessKeyId, AWS_SECRET_ACCESS_KEY: owner.secretAccessKey }),
  };
  const keyturn: StateMachines['keyturn'] = async (...args) => {
    const { code, stdout, stderr } = await runKeyturnAlone(variables, 'fleet', ...args, '--json');
    expect(stdout, stderr).not.toBe('');
    const document: Record<string, unknown> = JSON.parse(stdout);
    return { code, document };
  };
  const plan = async (mostLooks: number, prefix: string, more: readonly string[]): Promise<string> => {
    const file = join(folder, `${prefix.replace('/', '')}.json`);
    expect((await keyturn('plan', prefix, '--out', file, ...more)).code).toBe(0);
    const made: FleetPlan = JSON.parse(await readFile(file, 'utf8'));
    const waves = made.waves.map((wave) => ({
      ...wave,
      items: wave.items.map((item) => ({ ...item, pollSeconds: 1, mostLooks })),
    }));
    await writeFile(file, JSON.stringify({ ...made, waves }));
    return file;
  };
  return {
    ...{ fleet, s3, interpreter, redriving, machine, targetMachine, variables, create, keyturn },
    planFor: (prefix, ...more) => plan(8, prefix, more),
    planForHeld: (prefix, ...more) => plan(100, prefix, more),
    close: async () => {
      await redriving.close();
      await interpreter.close();
      await s3.close();
      await fleet.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
