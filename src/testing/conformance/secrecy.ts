import assert from 'node:assert/strict';
import type { SecretFields } from '../../documents/fields.ts';
import { rotatorTag } from '../../rotation/select.ts';
import type { ChangingRotator } from '../../rotator/contract.ts';
import type { TestAccount } from '../harness.ts';
import { throughRelay } from './relaying.ts';
import { assertSucceeded, type RotatedSecret, withSecret } from './rotations.ts';
import { closedAddress } from './servers.ts';
import { secretsShown } from './shown.ts';
import type { Subject } from './subject.ts';
import type { TestGroup } from './test-group.ts';

/** No secret value is in a rotation's errors, notes, reports or traces, nor in what the rotator prints. */
export const secrecy: TestGroup = {
  'shows no secret value when a rotation succeeds': ({ rotator, account }) =>
    withSecret(rotator, account, async (secret) => {
      assertSucceeded(await secret.rotate());
      await assertSecrecy(secret, rotator);
    }),

  'shows no secret value when the target refuses AWSCURRENT': (subject) => {
    const { rotator, first, refused } = subject;
    return withSecret(rotator, accountWith(subject, refused(first.fields)), async (secret) => {
      await secret.rotate();
      // A target that issues credentials may never be asked about AWSCURRENT.
      if (rotator.kind === 'changes')
        assert.ok(
          secret.reports.some(({ refusedLogins }) => refusedLogins > 0),
          'The credential of refused() was not refused.',
        );
      await assertSecrecy(secret, rotator);
    });
  },

  'shows no secret value when the target can not be reached': async (subject) => {
    const { rotator, elsewhere } = subject;
    const nowhere = closedAddress;
    const account = accountWith(subject, subject.first.fields, (fields) => elsewhere(fields, nowhere));
    await withSecret(rotator, account, async (secret) => {
      assert.notEqual(await secret.rotate(), undefined);
      await assertSecrecy(secret, rotator);
    });
  },

  'shows no secret value when the connection breaks during a change': (subject) =>
    throughRelay(subject, async ({ relay, through }) => {
      let cuts = 0;
      const cut = () => {
        cuts += 1;
        return 'cut' as const;
      };
      const rotator = subject.changing();
      const change: ChangingRotator['change'] = async (...given) => {
        relay.treat = cut;
        try {
          await rotator.change(...given);
        } finally {
          relay.treat = () => 'pass';
        }
      };
      const interrupted: ChangingRotator = Object.create(rotator, { change: { value: change } });
      const account = accountWith(subject, subject.first.fields, through);
      await withSecret(interrupted, account, async (secret) => {
        await secret.rotate();
        await assertSecrecy(secret, rotator);
      });
      if (cuts === 0) subject.skip('a change sends nothing');
    }),
};

/** An account with altered secrets. They are stored as JSON, because not every form can be written anew. */
function accountWith(
  { account, rotator }: Subject,
  fields: SecretFields,
  alter: (fields: SecretFields) => SecretFields = (same) => same,
): TestAccount {
  return {
    secret: alter(fields),
    tags: { [rotatorTag]: rotator.name },
    ...(account.admin === undefined ? {} : { admin: alter(account.admin) }),
  };
}

async function assertSecrecy(
  { shown, reports, secretValues }: RotatedSecret,
  { name }: Subject['rotator'],
): Promise<void> {
  assert.ok(reports.length > 0, 'Nothing was shown at all.');
  const values = await secretValues();
  const seen = [...shown]
    .map(([place, what]) => ({ place, count: secretsShown(what, values, [name]).length }))
    .filter(({ count }) => count > 0)
    .map(({ place, count }) => `${count} in ${place}`);
  assert.equal(seen.length, 0, `Of ${values.length} secret values, there can be seen: ${seen.join(', ')}.`);
}
