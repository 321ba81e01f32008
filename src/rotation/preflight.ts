import { KeyturnError } from '../errors.ts';
import type { Finding, Session } from '../rotator.ts';
import { adminSecretArn, loadAdmin } from './admin.ts';
import type { Run } from './run.ts';
import { type GuardedRotator, placeOf } from './target.ts';
import type { LoadedVersion } from './versions.ts';

/**
 * What RotateImmediately=false asks for: testSecret on a version that holds the current value. Looks at all that a
 * rotation will need, changes nothing, and says each finding.
 *
 * @throws PreflightFailed, with the findings that are not in order
 */
export async function preflight(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
): Promise<Finding[]> {
  const credential = guarded.rotator.parse(current.document.fields);
  const findings = await examine(run, guarded, current, credential);
  for (const { check, ok, detail } of findings)
    run.note(`Preflight, ${check}: ${ok ? 'ok' : 'not in order'}: ${detail}`);
  const wrong = findings.filter(({ ok }) => !ok);
  if (wrong.length === 0) return findings;
  throw new KeyturnError(
    'PreflightFailed',
    `A rotation would fail: ${wrong.map(({ check, detail }) => `${check}: ${detail}`).join('; ')}.`,
    'Put this in order before the first rotation.',
  );
}

async function examine(
  run: Run,
  guarded: GuardedRotator,
  current: LoadedVersion,
  credential: unknown,
): Promise<Finding[]> {
  const place = placeOf(guarded.rotator.target(credential));
  const login: Finding = { check: 'login', ok: true, detail: `${place} accepts AWSCURRENT` };
  const looked = await guarded.using(credential, async (session) => {
    const arn = adminSecretArn(run, current.document.fields);
    if (arn === undefined) {
      const missing = {
        check: 'admin secret',
        ok: false,
        detail: 'no masterarn and no KEYTURN_ADMIN_SECRET_ARN',
      };
      const needed = guarded.rotator.changedBy === 'admin' ? [missing] : [];
      return [login, ...needed, ...(await rotatorFindings(guarded, session, credential, undefined))];
    }
    const admin = await loadAdmin(run, guarded.rotator, current.document.fields, arn);
    const seen = await guarded.using(admin, (opened) =>
      rotatorFindings(guarded, session, credential, opened),
    );
    const detail = seen ? 'accepted' : `the target refuses the credential of ${arn}`;
    return [login, { check: 'admin login', ok: seen !== undefined, detail }, ...(seen?.result ?? [])];
  });
  return looked?.result ?? [{ check: 'login', ok: false, detail: `${place} refuses AWSCURRENT` }];
}

async function rotatorFindings(
  guarded: GuardedRotator,
  session: Session,
  credential: unknown,
  admin: Session | undefined,
): Promise<Finding[]> {
  const { rotator, context } = guarded;
  return guarded.attempt(
    'preflight',
    credential,
    async () => (await rotator.preflight?.(session, credential, admin, context)) ?? [],
  );
}
