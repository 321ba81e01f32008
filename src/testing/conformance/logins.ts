import assert from 'node:assert/strict';
import { closedAddress, startSilentServer } from './servers.ts';
import { closeSession } from './subject.ts';
import type { TestGroup } from './test-group.ts';
import { assertGivenUp } from './waiting.ts';

/** The promises of `open`: a session, undefined for a refusal, and an error for everything else. */
export const logins: TestGroup = {
  'opens the target with a credential that is right': async ({ prove, first }) => {
    await prove(first.fields);
  },

  'answers undefined to a credential that the target refuses': async ({ open, refused, first }) => {
    const session = await open(refused(first.fields));
    await closeSession(session);
    assert.equal(session, undefined, 'open has opened a session with a credential that the target refuses.');
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
      await assertGivenUp(opening);
    } finally {
      await server.close();
    }
  },

  'opens nothing once the signal has fired': async ({ open, first }) => {
    await assertGivenUp(open(first.fields, AbortSignal.abort()));
  },
};
