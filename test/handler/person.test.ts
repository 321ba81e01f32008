import { randomUUID } from 'node:crypto';
import { UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { postgres, postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import { quoteIdentifier, quoteLiteral } from '../../rotators/postgres/quoting.ts';
import { createRotationHandler, type Rotator } from '../../src/index.ts';
import { versionWith } from '../../src/secrets-manager/staging-labels.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  loginOf,
  secretOf,
  sharedOptions,
  type TestLogin,
} from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

const setByHand = ({ username, password }: TestLogin) =>
  asAdmin((client) =>
    client.query(`ALTER ROLE ${quoteIdentifier(username)} PASSWORD ${quoteLiteral(password)}`),
  );

/** A rotator. During its first proof, a person does something. */
function interrupted<Rotates extends Rotator>(rotator: Rotates, act: () => Promise<unknown>): Rotates {
  let done = false;
  return {
    ...rotator,
    verify: async (session, pending, context) => {
      await rotator.verify?.(session, pending, context);
      if (done) return;
      done = true;
      await act();
    },
  };
}

async function withFixture(
  rotators: Rotator[],
  use: (fixture: RotationFixture) => Promise<void>,
): Promise<void> {
  const fixture = await startFixture({ rotators });
  try {
    await use(fixture);
  } finally {
    await fixture.close();
  }
}

async function moveCurrent({ client, labels }: RotationFixture, arn: string, to: string): Promise<void> {
  const from = versionWith(await labels(arn), 'AWSCURRENT');
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: arn,
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: from,
      MoveToVersionId: to,
    }),
  );
}

describe('a rotation gives way to a person', () => {
  it('who sets another password, at the target and in the secret, between the proof and the move', async () => {
    const login = await createLogin();
    const byHand = { ...login, password: `by hand ${randomUUID()}` };
    let arn = '';
    let put = async (): Promise<unknown> => undefined;
    const rotator = interrupted(postgres(sharedOptions()), () => put());
    await withFixture([rotator], async (fixture) => {
      arn = await fixture.createSecret(secretOf(login));
      put = async () => {
        await setByHand(byHand);
        await fixture.put(arn, secretOf(byHand));
      };
      expect(await fixture.rotate(arn)).toMatch(/^SecretChanged/);
      expect(await fixture.read(arn)).toEqual(secretOf(byHand));
      expect(await canLogIn(byHand)).toBe(true);
      expect(Object.values(await fixture.labels(arn)).flat()).not.toContain('AWSPENDING');

      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    });
  });

  it('unless what he has stored meanwhile is refused by the target: readers get what works', async () => {
    const login = await createLogin();
    let put = async (): Promise<unknown> => undefined;
    const rotator = interrupted(postgres(sharedOptions()), () => put());
    await withFixture([rotator], async (fixture) => {
      const arn = await fixture.createSecret(secretOf(login));
      // The password is the old one, which has just been changed.
      put = () => fixture.put(arn, { ...secretOf(login), dbInstanceIdentifier: 'noted later' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
      expect(await fixture.read(arn, 'AWSPREVIOUS')).toMatchObject({
        dbInstanceIdentifier: 'noted later',
      });
      expect(fixture.recorded.notes.join()).toContain('set by hand to a version that the target refuses');
    });
  });

  it.each([
    ['warm', false],
    ['cold', true],
  ])('who makes another version AWSCURRENT before finishSecret, when the function is %s', async (_, cold) => {
    const login = await createLogin();
    let put = async (): Promise<unknown> => undefined;
    const rotator = interrupted(postgresAlternatingUsers(sharedOptions()), () => put());
    await withFixture([rotator], async (fixture) => {
      if (cold) {
        fixture.local.registerFunction('rotate', (event, context) =>
          createRotationHandler({ rotators: [rotator], client: fixture.functionClient })(event, context),
        );
      }
      const masterarn = await fixture.createSecret(adminSecret());
      const value = { ...secretOf(login), masterarn };
      const arn = await fixture.createSecret(value);
      // PutSecretValue with AWSCURRENT would end the rotation by itself.
      put = async () => {
        const id = await fixture.put(arn, { ...value, noted: 'by hand' }, ['BY_HAND']);
        await moveCurrent(fixture, arn, id);
      };
      expect(await fixture.rotate(arn)).toMatch(/^SecretChanged/);
      expect(await fixture.read(arn)).toEqual({ ...value, noted: 'by hand' });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.read(arn)).toMatchObject({ noted: 'by hand' });
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    });
  });

  it('who stores the working password while a rotation is stuck, and rotates again', async () => {
    const login = await createLogin();
    await withFixture([postgres(sharedOptions())], async (fixture) => {
      const arn = await fixture.createSecret({ ...secretOf(login), password: 'wrong' });
      expect(await fixture.rotate(arn)).toMatch(/^NoCredentialAccepted/);
      await fixture.put(arn, secretOf(login));
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    });
  });
});

describe('a stuck version that somebody has made AWSCURRENT by hand', () => {
  it('is not reported as rotated while the target refuses it', async () => {
    const login = await createLogin();
    const real = postgres(sharedOptions());
    let broken = true;
    const rotator: typeof real = {
      ...real,
      change: async (session, pending, context) => {
        if (broken) throw new Error('The server is being repaired.');
        await real.change(session, pending, context);
      },
    };
    await withFixture([rotator], async (fixture) => {
      const arn = await fixture.createSecret(secretOf(login));
      const token = randomUUID();
      expect(await fixture.rotate(arn, { token })).toMatch(/^TargetFailed/);
      await moveCurrent(fixture, arn, token);
      for (const Step of ['setSecret', 'testSecret', 'finishSecret']) {
        const event = { Step, SecretId: arn, ClientRequestToken: token };
        await expect(fixture.handler(event)).rejects.toMatchObject({ code: 'CurrentRefused' });
      }
      broken = false;
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await canLogIn(loginOf(await fixture.read(arn)))).toBe(true);
    });
  });
});
