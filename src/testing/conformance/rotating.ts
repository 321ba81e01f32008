import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { documentOf, type StoredVersion } from '../secrets.ts';
import { assertSucceeded, type Delivery, type RotatedSecret, withSecret } from './rotations.ts';
import type { Subject } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/** Rotations through the whole handler. */
export const rotating: TestGroup = {
  'rotates three times, with no login refused': ({ rotator, overlap, account, opens }) =>
    withSecret(rotator, account, async (secret) => {
      for (let time = 0; time < 3; time += 1) await rotateOnce({ rotator, overlap, account, opens }, secret);
      const refused = secret.reports.reduce((sum, { refusedLogins }) => sum + refusedLogins, 0);
      assert.equal(refused, 0, `The target refused ${refused} logins.`);
    }),

  'ends well when each event is delivered again': (subject) =>
    withSecret(subject.rotator, subject.account, async (secret) => {
      for (let time = 0; time < 2; time += 1) await rotateOnce(subject, secret, 'again');
    }),

  'ends well when each event is delivered twice at once': (subject) =>
    withSecret(subject.rotator, subject.account, async (secret) => {
      for (let time = 0; time < 2; time += 1) await rotateOnce(subject, secret, 'twice-at-once');
    }),

  'looks at a secret and changes nothing when RotateImmediately is false': (subject) => {
    const { rotator, account, first, prove } = subject;
    return withSecret(rotator, account, async ({ rotate, versions }) => {
      const before = [await versions(), await account.digest?.()];
      assertSucceeded(await rotate({ immediately: false }));
      const after = [await versions(), await account.digest?.()];
      // assert.deepEqual would print the values.
      assert.ok(isDeepStrictEqual(after, before), 'The secret or the account is not as it was before.');
      await prove(first.fields);
    });
  },
};

async function rotateOnce(
  { rotator, overlap, account, opens }: Pick<Subject, 'rotator' | 'overlap' | 'account' | 'opens'>,
  { rotate, versions }: RotatedSecret,
  delivery: Delivery = 'once',
): Promise<void> {
  const before = holderOf(await versions(), 'AWSCURRENT');
  assertSucceeded(await rotate({ delivery }));
  const after = await versions();
  const [current, previous] = [holderOf(after, 'AWSCURRENT'), holderOf(after, 'AWSPREVIOUS')];
  assert.notEqual(current.id, before.id);
  assert.equal(previous.id, before.id);
  const pending = after.filter(({ labels }) => labels.includes('AWSPENDING'));
  assert.ok(
    pending.every(({ id }) => id === current.id),
    'AWSPENDING stays on another version.',
  );
  const works = ({ text = '' }: StoredVersion) => opens(documentOf(text, account.tags).fields);
  assert.ok(await works(current), 'AWSCURRENT does not open the target.');
  const endsAtOnce = rotator.revocation === 'at-once';
  const oldCredentialWorks = overlap === 'until-next-rotation' && !endsAtOnce;
  const previousWorks = await works(previous);
  assert.equal(
    previousWorks,
    oldCredentialWorks,
    `AWSPREVIOUS ${previousWorks ? 'still' : 'no longer'} works, and overlap says otherwise.`,
  );
}

function holderOf(versions: readonly StoredVersion[], label: string): StoredVersion {
  const [holder, ...others] = versions.filter(({ labels }) => labels.includes(label));
  assert.ok(holder !== undefined && others.length === 0, `${label} is on one version.`);
  return holder;
}
