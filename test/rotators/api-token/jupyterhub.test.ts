import { createHash, randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { jupyterHub } from '../../../rotators/api-token/presets/jupyterhub.ts';
import { crashMatrix, describeRotator, type RotatorHarness } from '../../../src/testing/index.ts';
import { type JupyterHub, startJupyterHub } from '../../support/jupyterhub.ts';
import makeRotator from './rotator.ts';

const python = process.env.KEYTURN_TEST_JUPYTERHUB_PYTHON;
const reason = 'KEYTURN_TEST_JUPYTERHUB_PYTHON names no Python that has the package jupyterhub.';

function hubHarness({ url, newUser, tokens }: JupyterHub): RotatorHarness {
  const rotator = makeRotator(jupyterHub);
  return {
    rotator,
    account: async () => {
      const username = `robot ${randomUUID()}`;
      const { token, id: tokenId } = await newUser(username);
      const ids = async () => (await tokens(username)).map(({ id }) => id);
      return {
        secret: { host: url, username, token, tokenId },
        tags: { 'keyturn:rotator': rotator.name },
        digest: async () =>
          createHash('sha256')
            .update((await ids()).join())
            .digest('hex'),
        strays: async (needed) =>
          (await ids()).filter((id) => !needed.some(({ tokenId: kept }) => kept === id)).length,
      };
    },
    refused: (fields) => ({ ...fields, token: randomUUID() }),
    elsewhere: (fields, { host, port }) => ({ ...fields, host: `http://${host}:${port}` }),
    busy: () => new Error('The hub was answered 429.'),
    module: { url: new URL('./rotator.ts', import.meta.url).href, settings: jupyterHub },
  };
}

if (python === undefined) {
  it('rotates tokens of a real JupyterHub', ({ skip }) => skip(reason));
} else {
  const hub = await startJupyterHub(python);
  afterAll(hub.stop);
  const harness = hubHarness(hub);
  describeRotator('JupyterHub', harness);

  describe('tokens of a real JupyterHub', () => {
    it('survive each call whose answer is lost, and each process that is killed after one', {
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
        expect.arrayContaining([
          expect.stringMatching(/POST .*\/tokens$/),
          expect.stringMatching(/GET \/hub\/api\/user$/),
        ]),
      );
    });
  });
}
