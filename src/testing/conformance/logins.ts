import assert from 'node:assert/strict';
import { closedAddress, startSilentServer } from './servers.ts';
import type { TestGroup } from './test-group.ts';
import { endOf } from './waiting.ts';

/** The promises of `open`: a session, undefined for a refusal, and an error for everything else. */
export const logins: TestGroup = {
  'opens the target with a credential that is right': async ({ prove, first }) => {
    await prove(first.fields);
  },

  'answers undefined to a credential that the target refuses': async ({ open, refused, first }) => {
    const session = await open(refused(first.fields));
    await session?.close();
    assert.equal(session, undefined);
  },

  'throws where nobody listens': async ({ open, elsewhere, first }) => {
    const fields = elsewhere(first.fields, closedAddress);
    await assert.rejects(open(fields), 'A target that can not be reached was taken for one that refuses.');
  },

  'gives up a server that never answers when the signal fires': async ({ open, elsewhere, first }) => {
    const server = await startSilentServer();
    const controller = new AbortController();
    try {
      const connected = server.connection();
      const opening = open(elsewhere(first.fields, server.address), controller.signal);
      await Promise.race([connected, opening]);
      controller.abort();
      assert.equal((await endOf(opening)).status, 'rejected');
    } finally {
      await server.close();
    }
  },

  'opens nothing once the signal has fired': async ({ open, first }) => {
    assert.equal((await endOf(open(first.fields, AbortSignal.abort()))).status, 'rejected');
  },
};
