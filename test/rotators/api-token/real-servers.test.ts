import { createHash, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { crashMatrix, describeRotator, type RotatorHarness } from '../../../src/testing/index.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { connectToGitea } from '../../support/token-servers/gitea.ts';
import { startJupyterHub } from '../../support/token-servers/jupyterhub.ts';
import { startMiniflux } from '../../support/token-servers/miniflux.ts';
import type { TokenServer } from '../../support/token-servers/server.ts';
import { startVerdaccio } from '../../support/token-servers/verdaccio.ts';
import makeRotator from './rotator.ts';

/** Servers that nobody here wrote: by the variable that names each, and what that holds. */
const servers: readonly [string, string, string, (value: string) => Promise<TokenServer> | TokenServer][] = [
  ['JupyterHub', 'KEYTURN_TEST_JUPYTERHUB_PYTHON', 'Python that has the package jupyterhub', startJupyterHub],
  ['Verdaccio', 'KEYTURN_TEST_VERDACCIO', 'script bin/verdaccio of Verdaccio 6', startVerdaccio],
  ['Miniflux', 'KEYTURN_TEST_MINIFLUX', 'binary of Miniflux', startMiniflux],
  ['Gitea', 'KEYTURN_TEST_GITEA_URL', 'URL of a Gitea with its administrator', connectToGitea],
];

function harnessOf({ description, newAccount }: TokenServer): RotatorHarness {
  const rotator = makeRotator(description);
  return {
    rotator,
    account: async () => {
      const { secret, admin, live } = await newAccount();
      return {
        secret,
        tags: { 'keyturn:rotator': rotator.name },
        ...(admin && { admin: { ...admin, serves: { '*': ['*'] } } }),
        digest: async () =>
          createHash('sha256')
            .update((await live()).join())
            .digest('hex'),
        countOrphans: async (needed) =>
          (await live()).filter((id) => !needed.some(({ tokenId }) => String(tokenId) === id)).length,
      };
    },
    refused: (fields) => ({ ...fields, token: randomUUID() }),
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The server was answered 429.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: description },
  };
}

for (const [name, variable, what, start] of servers) {
  const value = process.env[variable];
  if (value === undefined) {
    it(`rotates tokens of a real ${name}`, ({ skip }) => skip(`${variable} names no ${what}.`));
    continue;
  }
  const server = await start(value);
  afterAll(server.stop);
  const harness = harnessOf(server);
  describeRotator(name, harness);

  describe(`tokens of a real ${name}`, () => {
    it('rotate three times, and two are left', async () => {
      const fixture = await startFixture({ rotators: [makeRotator(server.description)] });
      try {
        const { secret, admin, live } = await server.newAccount();
        const named = admin && (await fixture.createSecret(admin));
        const tags = { 'keyturn:rotator': harness.rotator.name, ...(named && { 'keyturn:admin': named }) };
        const arn = await fixture.createSecret(secret, tags);
        expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
        for (let time = 0; time < 3; time += 1) expect(await fixture.rotate(arn)).toBeUndefined();
        const held = [await fixture.read(arn), await fixture.read(arn, 'AWSPREVIOUS')];
        const left = new Set(await live());
        for (const { tokenId } of held) expect(left.delete(String(tokenId))).toBe(true);
        // What was made by hand, and is not known to be this secret's, is left to whoever made it.
        expect([...left].filter((id) => id !== String(secret.tokenId))).toEqual([]);
        expect(held[0]?.token).not.toBe(secret.token);
      } finally {
        await fixture.close();
      }
    });

    it('survive each call whose answer is lost, and each process that is killed after one: none is left over', {
      timeout: 600_000,
    }, async () => {
      const { cells, failed } = await crashMatrix(harness, {
        // What befalls calls to Secrets Manager is the same at any target: see the whole matrix.
        only: ({ place, fault, recovery }) =>
          / target /.test(place) &&
          ((fault === 'lost-answer' && recovery === 'pending-cleared') ||
            (fault === 'crash-after' && recovery === 'process-killed')),
      });
      expect(failed.map(({ id, place, failure }) => ({ id, place, failure }))).toEqual([]);
      expect(cells.map(({ place }) => place)).toEqual(
        expect.arrayContaining([expect.stringMatching(/POST /), expect.stringMatching(/GET /)]),
      );
    });
  });
}
