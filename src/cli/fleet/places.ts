import { counted } from '../../counted.ts';
import { isKeyturnError, KeyturnError } from '../../errors.ts';
import type { FleetPlan } from '../../fleet/plan.ts';
import { createAwsSecretsManagement } from '../../secrets-manager/aws.ts';
import { explainAwsError } from '../../secrets-manager/errors.ts';
import type { SecretsManagementPort } from '../../secrets-manager/port.ts';
import { connect, regionOf } from '../rotation/clients.ts';
import type { RunWork } from './work.ts';

/**
 * Finds the client for each secret of a plan: in the secret's own region, with the profile of its account. With one
 * profile or none, the same credentials are used for all.
 *
 * @throws InvalidConfiguration if several profiles are given, and the plan has an account that none of them is of
 */
export async function clientsFor(
  work: RunWork,
  plan: FleetPlan,
): Promise<(arn: string) => SecretsManagementPort> {
  const profileOf = await profilesFor(work, plan);
  const known = new Map<string, SecretsManagementPort>();
  return (arn) => {
    const region = regionOf(arn);
    const profile = profileOf(arn);
    const key = JSON.stringify([region, profile]);
    const found = known.get(key);
    if (found !== undefined) return found;
    const { endpoint } = work;
    const { secretsManager } = connect({ endpoint, region, profile, secret: arn }, process.env);
    const secrets = createAwsSecretsManagement({ client: secretsManager, reader: 'person' });
    known.set(key, secrets);
    return secrets;
  };
}

async function profilesFor(
  { endpoint, profiles }: RunWork,
  { waves }: FleetPlan,
): Promise<(arn: string) => string | undefined> {
  if (profiles.length < 2) return () => profiles[0];
  const arns = waves.flatMap(({ items }) => items.flatMap(({ secrets }) => secrets.map(({ arn }) => arn)));
  const region = arns[0] === undefined ? undefined : regionOf(arns[0]);
  const byAccount = new Map<string, string>();
  for (const profile of profiles) {
    const account = await accountOf(profile, endpoint, region);
    if (!byAccount.has(account)) byAccount.set(account, profile);
  }
  const without = Map.groupBy(arns, accountIn);
  for (const account of byAccount.keys()) without.delete(account);
  for (const [account, missing] of without) {
    throw new KeyturnError(
      'InvalidConfiguration',
      `None of the profiles ${profiles.join(', ')} is of account ${account}, in which the plan has ${counted(missing.length, 'secret')}.`,
      'Nothing was rotated. Name a profile of that account too: --profile NAME.',
      { field: '--profile' },
    );
  }
  return (arn) => byAccount.get(accountIn(arn));
}

async function accountOf(
  profile: string,
  endpoint: string | undefined,
  region: string | undefined,
): Promise<string> {
  const { sts } = connect({ endpoint, region, profile, secret: '' }, process.env);
  const resource = `the account of profile ${profile}`;
  try {
    const client = await sts();
    const { GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    const { Account = '' } = await client.send(new GetCallerIdentityCommand({}));
    return Account;
  } catch (error) {
    throw explainAwsError(error, { action: 'sts:GetCallerIdentity', resource }, 'person');
  }
}

function accountIn(arn: string): string {
  return arn.split(':')[4] ?? '';
}

/** An error of listing secrets, with the place where it happened if there are several. */
export function inPlace(
  error: unknown,
  { profile, region }: { readonly profile: string | undefined; readonly region: string | undefined },
): unknown {
  const place = [profile && `profile ${profile}`, region].filter(Boolean).join(', ');
  if (place === '' || !isKeyturnError(error)) return error;
  return new KeyturnError(error.code, `${place}: ${error.message}`, 'Nothing was planned.', {
    cause: error.cause,
  });
}
