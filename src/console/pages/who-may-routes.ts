import { isKeyturnError, KeyturnError } from '../../errors.ts';
import { explainAccess, type KnownPolicies, type SecretFacts } from '../../local/access/explain.ts';
import type { Secret } from '../../secrets-manager/port.ts';
import { told } from '../answered.ts';
import { type App, listWaitMs, type Routing } from '../routing.ts';
import type { Worlds } from '../worlds.ts';
import { type AskableCall, askableCalls, callsWithoutSecret, whoMayPage } from './who-may.ts';

/** Adds the page that says who may do what. Without known policies there is no such page. */
export function addWhoMay(app: App, { viewOf, page, policies, worlds, now }: Routing): void {
  app.get('/who-may', async (c) => {
    const view = viewOf(c);
    if (policies === undefined || view.principals === undefined) return c.notFound();
    const all = [...view.principals.all, ...(policies.roles ?? []).map(({ arn }) => arn)];
    const asked = c.req.query('call');
    const call = askableCalls.find((name) => name === asked) ?? askableCalls[0];
    const principal = all.find((arn) => arn === c.req.query('principal')) ?? all[0] ?? '';
    const id = (c.req.query('secret') ?? '').trim();
    const listing = await told(worlds.of(undefined).inventory.look(listWaitMs));
    const secrets = listing.ok ? (listing.value?.secrets ?? []) : [];
    const found = secrets.find(({ arn, name }) => arn === id || name === id);
    const isAsked = asked !== undefined && (id !== '' || callsWithoutSecret.has(call));
    const answer = isAsked ? await told(answerFor(policies, { principal, call, found, id })) : undefined;
    const body = whoMayPage(view, {
      principal,
      call,
      secret: found?.name ?? id,
      answer,
      principals: all,
      secrets: secrets.slice(0, 2_000).map(({ name }) => name),
    });
    return page(c, view, { title: 'Who may', active: 'who-may', body });
  });
  const answerFor = async (
    policies: KnownPolicies,
    asked: { principal: string; call: AskableCall; found: Secret | undefined; id: string },
  ) => {
    const { principal, call, found, id } = asked;
    if (found === undefined && !callsWithoutSecret.has(call))
      throw new KeyturnError('SecretNotFound', `There is no secret ${id}.`, 'Choose one of the list.');
    const [, , , region = 'us-east-1', accountId = '123456789012'] =
      found?.arn.split(':') ?? principal.split(':').with(3, 'us-east-1');
    const secret =
      found === undefined || callsWithoutSecret.has(call) ? undefined : await factsOf(worlds, found);
    const partition = { region, accountId };
    return explainAccess(policies, { principal, operation: call, secret, partition, nowMs: now() });
  };
}

/**
 * What the policies need to know of a secret. Its resource policy is read as any known principal that may read it.
 *
 * @throws AccessDenied if no principal may read it: an unknown policy may deny everything
 */
async function factsOf(worlds: Worlds, secret: Secret): Promise<SecretFacts> {
  const { arn, name, tags, kmsKeyId, primaryRegion, functionArn } = secret;
  const policy = await policyOf(worlds, secret);
  return {
    arn,
    name,
    tags: [...tags].map(([Key, Value]) => ({ Key, Value })),
    policy,
    kmsKeyId,
    primaryRegion,
    type: undefined,
    functionArn,
  };
}

async function policyOf({ principals, of }: Worlds, { arn, name }: Secret): Promise<string | undefined> {
  let refusal: unknown;
  for (const principal of principals) {
    const found = await told(of(principal).secrets.policy(arn));
    if (found.ok) return found.value;
    refusal = found.error;
  }
  if (!isKeyturnError(refusal, 'AccessDenied')) throw refusal;
  throw new KeyturnError(
    'AccessDenied',
    `None of the principals that are known may read the resource policy of ${name}, which may decide.`,
    'Let one of them call secretsmanager:GetResourcePolicy.',
  );
}
