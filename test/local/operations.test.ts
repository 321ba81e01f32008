import * as sdk from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { operations } from '../../src/local/operations/table.ts';
import { apiInputs } from '../../src/local/protocol/api-model/inputs.ts';

const newerThanTheSdk = [
  'AssociateCrossAccountReplica',
  'DisassociateCrossAccountReplica',
  'ListResourcePolicies',
];

describe('the operations', () => {
  it('are all that the SDK’s client has, and newer ones', () => {
    const commands = Object.keys(sdk).flatMap((name) => /^(\w+)Command$/.exec(name)?.[1] ?? []);
    const known = new Set([...commands.filter((name) => name !== '$'), ...newerThanTheSdk]);
    expect([...operations.keys()].sort()).toEqual([...known].sort());
  });

  it('are those of AWS’s model', () => {
    expect([...operations.keys()].sort()).toEqual(Object.keys(apiInputs).sort());
  });
});
