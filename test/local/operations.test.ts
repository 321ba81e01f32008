import { readFile } from 'node:fs/promises';
import * as sdk from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { operations } from '../../src/local/operations/table.ts';
import { apiInputs } from '../../src/local/protocol/api-model/inputs.ts';

const NEWER_THAN_THE_SDK = [
  'AssociateCrossAccountReplica',
  'DisassociateCrossAccountReplica',
  'ListResourcePolicies',
];

describe('the operations', () => {
  it('are all that the SDK’s client has', () => {
    const commands = Object.keys(sdk).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);
    expect([...operations.keys()].sort()).toEqual(commands.filter((name) => name !== '$').sort());
  });

  it('are those of AWS’s model, but for some that docs/local.md names', async () => {
    const missing = Object.keys(apiInputs).filter((name) => !operations.has(name));
    expect(missing.sort()).toEqual(NEWER_THAN_THE_SDK);
    const page = await readFile(new URL('../../docs/local.md', import.meta.url), 'utf8');
    for (const name of missing) expect(page).toContain(`\`${name}\``);
  });
});
