import { afterAll, describe, expect, it } from 'vitest';
import { crashMatrix, describeRotator } from '../../../src/testing/index.ts';
import { startFixture } from '../../support/rotation-fixture.ts';
import { startGiteaTokens } from '../../support/token-servers/gitea.ts';
import { noGitea } from '../../support/token-servers/gitea-process.ts';
import { startJupyterHub } from '../../support/token-servers/jupyterhub.ts';
import { startMiniflux } from '../../support/token-servers/miniflux.ts';
import type { TokenServer } from '../../support/token-servers/server.ts';
import { startVerdaccio } from '../../support/token-servers/verdaccio.ts';
import makeRotator from './rotator.ts';
import { tokenServerHarness } from './token-server-harness.ts';

/** Real servers, with the environment variable that names each, and what the variable holds. */
const byVariable: readonly [string, string, string, (value: string) => Promise<TokenServer>][] = [
  ['JupyterHub', 'KEYTURN_TEST_JUPYTERHUB_PYTHON', 'Python that has the package jupyterhub', startJupyterHub],
  ['Verdaccio', 'KEYTURN_TEST_VERDACCIO', 'script bin/verdaccio of Verdaccio 6', startVerdaccio],
  ['Miniflux', 'KEYTURN_TEST_MINIFLUX', 'binary of Miniflux', startMiniflux],
];

/** Why a server can't be had, and how it is started. */
const servers: readonly (readonly [string, string | undefined, () => Promise<TokenServer>])[] = [
  ...byVariable.map(([name, variable, what, start]) => {
    const value = process.env[variable];
    const missing = value === undefined ? `${variable} names no ${what}.` : undefined;
    return [name, missing, () => start(value ?? '')] as const;
  }),
  ['Gitea', noGitea, startGiteaTokens],
];

for (const [name, missing, start] of servers) {
  if (missing !== undefined) {
    it(`rotates tokens of a real ${name}`, ({ skip }) => skip(missing));
    continue;
  }
  const server = await start();
  afterAll(server.stop);
  const harness = tokenServerHarness(server);
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
        // A token made by hand that is not known to be this secret's is left alone.
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
        // Faults of calls to Secrets Manager are the same for any target. The whole matrix has them.
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
