import { createRedactor } from '../../redact.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import { describeSchedule, type Secret } from '../../secrets-manager/port.ts';
import { printable } from '../printable.ts';
import { describeDate } from '../rotation/age.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import { connect } from '../rotation/clients.ts';
import { runWithScreen, type Screen } from '../rotation/screen.ts';

/** What the command line asks for. */
export interface ListWork extends PlaceOptions {
  readonly prefix: string | undefined;
  readonly tags: readonly { readonly key: string; readonly value: string | undefined }[];
  readonly withDeleted: boolean;
}

/** Lists secrets. @returns the exit code */
export function list(work: ListWork): Promise<number> {
  return runWithScreen({ json: work.json, redactor: createRedactor() }, async (screen) => {
    screen.progress('listing secrets');
    const found = await find(work);
    const nowMs = Date.now();
    for (const secret of found) show(screen, secret, nowMs);
    if (found.length === 0) screen.say('No secret is found.');
    return { ok: true, document: { secrets: found.map(documentOf) } };
  });
}

async function find({ endpoint, region, ...asked }: ListWork): Promise<Secret[]> {
  const client = connect({ secret: '', endpoint, region }, process.env).secretsManager;
  const found: Secret[] = [];
  for await (const secret of createAwsSecretsManagement({ client, reader: 'person' }).list(asked)) {
    found.push(secret);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function show(screen: Screen, secret: Secret, nowMs: number): void {
  const { name, description, changed, deletedOn } = secret;
  screen.heading(printable(name));
  if (description) screen.fact('description', printable(description));
  screen.fact('rotation', describeRotation(secret, nowMs));
  screen.fact('changed', describeDate(changed, nowMs));
  if (deletedOn !== undefined) screen.bad(`  marked for deletion ${describeDate(deletedOn, nowMs)}`);
}

function describeRotation(secret: Secret, nowMs: number): string {
  const { rotationEnabled, rules, lastRotated, nextRotation } = secret;
  if (rotationEnabled !== true) return 'off';
  const schedule = describeSchedule(rules) ?? 'on';
  const last = lastRotated === undefined ? 'never' : describeDate(lastRotated, nowMs);
  const next = nextRotation === undefined ? '' : `, next ${describeDate(nextRotation, nowMs)} at the latest`;
  return `${schedule}; last ${last}${next}`;
}

function documentOf(secret: Secret): object {
  const { rules } = secret;
  return {
    name: secret.name,
    secret: secret.arn,
    description: secret.description ?? null,
    key: secret.kmsKeyId ?? null,
    tags: Object.fromEntries(secret.tags),
    owningService: secret.owningService ?? null,
    primaryRegion: secret.primaryRegion ?? null,
    created: secret.created ?? null,
    changed: secret.changed ?? null,
    deletedOn: secret.deletedOn ?? null,
    rotation: {
      enabled: secret.rotationEnabled ?? null,
      function: secret.functionArn ?? null,
      schedule: rules?.ScheduleExpression ?? null,
      everyDays: rules?.ScheduleExpression === undefined ? (rules?.AutomaticallyAfterDays ?? null) : null,
      window: rules?.Duration ?? null,
      lastRotated: secret.lastRotated ?? null,
      nextRotation: secret.nextRotation ?? null,
    },
  };
}
