import { expect, it } from 'vitest';
import { explainAwsError } from '../../src/secrets-manager/errors.ts';

it.each([
  ['operator', 'Set AWS_REGION'],
  ['person', 'Give --region'],
] as const)('tells the %s of a call without a region what can be set', (reader, remedy) => {
  const call = { action: 'secretsmanager:GetSecretValue', resource: 'shop' };
  const error = explainAwsError(new Error('Region is missing'), call, reader);
  expect([error.code, error.message]).toEqual(['InvalidConfiguration', expect.stringContaining(remedy)]);
});
