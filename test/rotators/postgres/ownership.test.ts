import { describe, expect, it } from 'vitest';
import { postgres } from '../../../rotators/postgres/index.ts';
import { handOver } from '../../../rotators/postgres/ownership.ts';
import { createLogin, rotatorContext, secretOf, sharedOptions } from '../../support/postgres-fixtures.ts';

const rotator = postgres(sharedOptions());

describe('handing objects over', () => {
  it('says what to do where a role owns objects in more databases than a rotation visits', async () => {
    const session = await rotator.open(rotator.parse(secretOf(await createLogin())), rotatorContext());
    if (session === undefined) throw new Error('The login was refused.');
    const standing = { uses: true, isMember: true, own: null };
    const databases = Array.from({ length: 17 }, (_, index) => `shop${index}`);
    const owned = { version: 180_000, databases, from: standing, to: standing };
    const tooMany = handOver(
      session,
      { from: 'app_clone', to: 'app', database: 'shop0', owned },
      { ...rotatorContext(), openDatabase: async () => undefined },
    );
    await expect(tooMany).rejects.toMatchObject({
      code: 'PermissionDenied',
      message: expect.stringMatching(
        /in 17 databases, .* at most 16.* BY "app_clone" TO "app" in each of them/,
      ),
    });
    await session.close();
  });
});
