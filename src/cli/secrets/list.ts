import { type Filter, paginateListSecrets, type SecretListEntry } from '@aws-sdk/client-secrets-manager';
import { createRedactor } from '../../redact.ts';
import { printable } from '../printable.ts';
import { describeDate } from '../rotation/age.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import { connect } from '../rotation/clients.ts';
import { explain } from '../rotation/problems.ts';
import { type Screen, showing } from '../rotation/screen.ts';

/** What the command line asks for. */
export interface ListWork extends PlaceOptions {
  readonly prefix: string | undefined;
  readonly tags: readonly { readonly key: string; readonly value: string | undefined }[];
  readonly withDeleted: boolean;
}

/** Lists secrets. @returns the exit code */
export function list(work: ListWork): Promise<number> {
  return showing({ json: work.json, redactor: createRedactor() }, async (screen) => {
    screen.progress('listing secrets');
    const found = await find(work);
    const nowMs = Date.now();
    for (const secret of found) show(screen, secret, nowMs);
    if (found.length === 0) screen.say('No secret is found.');
    return { ok: true, document: { secrets: found.map(documentOf) } };
  });
}

async function find({ endpoint, region, prefix, tags, withDeleted }: ListWork): Promise<SecretListEntry[]> {
  const client = await connect({ secret: '', endpoint, region }, process.env).secretsManager();
  // AWS matches beginnings of keys and of values, each for itself.
  const Filters: Filter[] = [
    ...(prefix === undefined ? [] : [{ Key: 'name' as const, Values: [prefix] }]),
    ...tags.map(({ key }) => ({ Key: 'tag-key' as const, Values: [key] })),
  ];
  const found: SecretListEntry[] = [];
  try {
    const input = { Filters, IncludePlannedDeletion: withDeleted, MaxResults: 100 };
    for await (const page of paginateListSecrets({ client }, input)) found.push(...(page.SecretList ?? []));
  } catch (error) {
    throw explain(error, { action: 'secretsmanager:ListSecrets', resource: 'all secrets' });
  }
  return found
    .filter(({ Name = '' }) => prefix === undefined || Name.startsWith(prefix))
    .filter((secret) => tags.every((tag) => hasTag(secret, tag)))
    .sort((a, b) => ((a.Name ?? '') < (b.Name ?? '') ? -1 : 1));
}

function hasTag({ Tags = [] }: SecretListEntry, { key, value }: ListWork['tags'][number]): boolean {
  return Tags.some((tag) => tag.Key === key && (value === undefined || tag.Value === value));
}

function show(screen: Screen, secret: SecretListEntry, nowMs: number): void {
  const { Name = '', Description, LastChangedDate } = secret;
  screen.heading(printable(Name));
  if (Description) screen.fact('description', printable(Description));
  screen.fact('rotation', describeRotation(secret, nowMs));
  screen.fact('changed', describeDate(LastChangedDate, nowMs));
  if (secret.DeletedDate !== undefined) screen.bad(`  is deleted ${describeDate(secret.DeletedDate, nowMs)}`);
}

function describeRotation(secret: SecretListEntry, nowMs: number): string {
  const { RotationEnabled, RotationRules, LastRotatedDate, NextRotationDate } = secret;
  if (RotationEnabled !== true) return 'off';
  const days = RotationRules?.AutomaticallyAfterDays;
  const schedule = RotationRules?.ScheduleExpression ?? (days === undefined ? 'on' : `every ${days} days`);
  const last = LastRotatedDate === undefined ? 'never' : describeDate(LastRotatedDate, nowMs);
  const next =
    NextRotationDate === undefined ? '' : `, next ${describeDate(NextRotationDate, nowMs)} at the latest`;
  return `${schedule}; last ${last}${next}`;
}

function documentOf(secret: SecretListEntry): object {
  const { RotationRules: rules } = secret;
  return {
    name: secret.Name ?? null,
    secret: secret.ARN ?? null,
    description: secret.Description ?? null,
    key: secret.KmsKeyId ?? null,
    tags: Object.fromEntries((secret.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
    owningService: secret.OwningService ?? null,
    primaryRegion: secret.PrimaryRegion ?? null,
    created: secret.CreatedDate ?? null,
    changed: secret.LastChangedDate ?? null,
    deletedOn: secret.DeletedDate ?? null,
    rotation: {
      enabled: secret.RotationEnabled ?? null,
      function: secret.RotationLambdaARN ?? null,
      schedule: rules?.ScheduleExpression ?? null,
      everyDays: rules?.ScheduleExpression === undefined ? (rules?.AutomaticallyAfterDays ?? null) : null,
      window: rules?.Duration ?? null,
      lastRotated: secret.LastRotatedDate ?? null,
      nextRotation: secret.NextRotationDate ?? null,
    },
  };
}
