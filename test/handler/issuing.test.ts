import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RotatorContext, SecretFields } from '../../src/index.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';
import { type MemoryTokenRotator, tokenRotator } from '../testing/memory-rotators.ts';
import { type MemoryTarget, startMemoryTarget } from '../testing/memory-target.ts';

const dayMs = 86_400_000;

let target: MemoryTarget;
beforeEach(async () => {
  target = await startMemoryTarget();
});
afterEach(() => target.stop());

function newAccount(): SecretFields {
  const [username, password] = [`app-${randomUUID()}`, `First-${randomUUID()}`];
  target.accounts.set(username, { valid: new Set([password]), minted: new Map() });
  return { host: 'localhost', port: target.port, username, password };
}

async function withRotator(
  rotator: MemoryTokenRotator,
  use: (fixture: RotationFixture) => Promise<void>,
): Promise<void> {
  const configuration = { defaultRotator: rotator.name };
  const fixture = await startFixture({ rotators: [rotator], configuration });
  try {
    await use(fixture);
  } finally {
    await fixture.close();
  }
}

describe('a rotator that mints', () => {
  it('gives up a pending credential that has died since it was minted, and starts clean after', async () => {
    let mayOpen = false;
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      verify: async () => {
        if (!mayOpen) throw new Error('The target is being repaired.');
      },
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      const token = randomUUID();
      expect(await fixture.rotate(arn, { token })).toMatch(/^TargetFailed/);
      const { password } = await fixture.read(arn, 'AWSPENDING');
      target.accounts.get(String(account.username))?.valid.delete(String(password));
      mayOpen = true;

      expect(await fixture.rotate(arn)).toMatch(/^PendingRefused.*AWSPENDING was taken off/);
      expect(fixture.recorded.reports.at(-1)).toMatchObject({ step: 'createSecret', refusedLogins: 3 });
      expect((await fixture.labels(arn))[token]).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect((await fixture.read(arn)).password).not.toBe(account.password);
    });
  });

  it('sees what the versions of its target hold, newest first', async () => {
    const seen: string[][] = [];
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      issue: async (current, context) => {
        const passwords: string[] = [];
        for await (const { password } of context.stored()) passwords.push(password);
        seen.push(passwords);
        return tokenRotator.issue(current, context);
      },
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      await fixture.put(arn, { ...account, host: 'elsewhere', password: 'of another target' }, ['OTHER']);
      await fixture.put(arn, { ...account, password: 'given up' }, ['AWSPENDING']);
      await fixture.clearPending(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(seen).toEqual([['given up', account.password]]);
    });
  });

  it('revokes with what AWSCURRENT holds at hand', async () => {
    const revoked: string[][] = [];
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      revoke: async (old, context) => {
        revoked.push([old.password, context.current.password]);
        await tokenRotator.revoke?.(old, context);
      },
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      expect(await fixture.rotate(arn)).toBeUndefined();
      const { password } = await fixture.read(arn);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(revoked).toEqual([[account.password, password]]);
    });
  });

  it('does not revoke what only the secret tells from the credential in use', async () => {
    const revoked: string[] = [];
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      identity: ({ password }) => password,
      revoke: async ({ password }) => {
        revoked.push(password);
      },
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      await fixture.put(arn, { ...account, dbname: 'noted later' });
      await fixture.put(arn, { ...account, dbname: undefined });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(revoked).toEqual([]);
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(revoked).toEqual([account.password]);
    });
  });

  it('does not take back a credential that the target has issued again, when it can not be stored', async () => {
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      // One token for each account, as long as it is valid.
      issue: async ({ password }) => ({ password }),
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      fixture.functionClient.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName !== 'PutSecretValueCommand') return next(args);
          throw Object.assign(new Error('The key can not be used.'), {
            name: 'EncryptionFailure',
            $fault: 'client',
          });
        },
        { step: 'initialize' },
      );
      expect(await fixture.rotate(arn)).toMatch(/^AccessDenied/);
      expect(target.accounts.get(String(account.username))?.valid).toContain(account.password);
    });
  });

  it('stores a credential of its own when its token was used for a test before', () =>
    withRotator(tokenRotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      const token = randomUUID();
      expect(await fixture.rotate(arn, { token, immediately: false })).toBeUndefined();
      expect(await fixture.rotate(arn, { token })).toBeUndefined();
      const { password } = await fixture.read(arn);
      expect(password).not.toBe(account.password);
      expect(target.accounts.get(String(account.username))?.valid).toContain(password);
    }));

  it('revokes what a rotation has issued that a person ended by storing a value', async () => {
    let put = async (): Promise<unknown> => undefined;
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      revokeOrphans: async () => undefined,
      verify: async () => void (await put()),
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      put = async () => {
        put = async () => undefined;
        await fixture.put(arn, { ...account, dbInstanceIdentifier: 'noted' });
      };
      await fixture.rotate(arn);
      expect(target.accounts.get(String(account.username))?.valid.size).toBe(2);
      expect(await fixture.read(arn)).toMatchObject({ password: account.password });
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(await fixture.rotate(arn)).toBeUndefined();
      expect(target.accounts.get(String(account.username))?.valid.size).toBe(2);
    });
  });

  it('does not take back what somebody stores while it looks for credentials that were given up', async () => {
    await withRotator(tokenRotator, async (fixture) => {
      const account = newAccount();
      const arn = await fixture.createSecret(account);
      const { valid } = target.accounts.get(String(account.username)) ?? { valid: new Set<string>() };
      fixture.functionClient.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName === 'ListSecretVersionIdsCommand') {
            valid.add('stored by hand');
            await fixture.put(arn, { ...account, password: 'stored by hand' });
          }
          return next(args);
        },
        { step: 'initialize' },
      );
      expect(await fixture.rotate(arn)).toMatch(/^SecretChanged/);
      expect(valid).toContain('stored by hand');
      expect(await fixture.read(arn)).toMatchObject({ password: 'stored by hand' });
    });
  });

  it('reads and parses nothing twice in an invocation', async () => {
    const parsed: unknown[] = [];
    const seen: unknown[][] = [];
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      parse: (fields) => {
        parsed.push(fields.password);
        return tokenRotator.parse(fields);
      },
      // The last call of the rotator in testSecret.
      verify: async () => {
        parsed.length = 0;
      },
      revoke: async (old, context) => {
        await context.admin();
        await tokenRotator.revoke?.(old, context);
      },
      revokeOrphans: async (_current, context) => {
        await context.admin();
        seen.push([...parsed]);
      },
    };
    await withRotator(rotator, async (fixture) => {
      const account = newAccount();
      const masterarn = await fixture.createSecret({
        ...account,
        username: 'admin',
        password: 'of the admin',
      });
      const arn = await fixture.createSecret({ ...account, masterarn });
      expect(await fixture.rotate(arn)).toBeUndefined();
      await fixture.put(arn, { ...account, masterarn, password: 'given up' }, ['AWSPENDING']);
      await fixture.clearPending(arn);
      fixture.calls.length = 0;
      expect(await fixture.rotate(arn)).toBeUndefined();
      // AWSCURRENT, the pending version, AWSPREVIOUS, what was given up, and the admin secret.
      expect(new Set(seen.at(-1)).size).toBe(5);
      expect(seen.at(-1)).toHaveLength(5);
      expect(fixture.calls.slice(fixture.calls.lastIndexOf('DescribeSecret'))).toEqual([
        'DescribeSecret',
        'ListSecretVersionIds',
        'GetSecretValue',
        'GetSecretValue',
        'GetSecretValue',
        'UpdateSecretVersionStage',
      ]);
    });
  });

  it('is told when the next rotation begins', async () => {
    const contexts: RotatorContext[] = [];
    const rotator: MemoryTokenRotator = {
      ...tokenRotator,
      verify: async (_session, _pending, context) => {
        contexts.push(context);
      },
    };
    await withRotator(rotator, async (fixture) => {
      expect(await fixture.rotate(await fixture.createSecret(newAccount()))).toBeUndefined();
      const [{ nextRotationAtMs = 0 } = {}] = contexts;
      // The schedule says 30 days, and a rotation is due at the latest when the last of them ends.
      expect(nextRotationAtMs - Date.now()).toBeGreaterThan(29 * dayMs);
      expect(nextRotationAtMs - Date.now()).toBeLessThan(32 * dayMs);
    });
  });
});
