import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSilentServer } from './servers.ts';
import type { TestGroup } from './test-group.ts';
import { assertGivenUp, eventually } from './waiting.ts';

const connections =
  /^(TCPSocketWrap|TCPConnectWrap|TLSWrap|PipeConnectWrap|UDPWrap|GetAddrInfoReqWrap|Timeout)$/;

function openResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => connections.test(name))
    .sort();
}

/** Waits until the number of open resources no longer changes. */
async function atRest(): Promise<string[]> {
  let last = openResources();
  await eventually(async () => {
    const before = last;
    await sleep(100);
    last = openResources();
    return String(last) === String(before);
  });
  return last;
}

/** More than one run, so that an old connection that is just ending can't hide one that stays. */
const times = 3;

async function assertLeavesNothing(work: () => Promise<void>): Promise<void> {
  // The first run loads the driver, which may keep something open for good.
  await work();
  const before = await atRest();
  for (let time = 0; time < times; time += 1) await work();
  let left: string[] = [];
  const gone = await eventually(() => {
    left = openResources();
    return left.length <= before.length;
  });
  assert.ok(gone, `Before there were [${before.join(', ')}], and now there are [${left.join(', ')}].`);
}

/** A rotator leaves no connection, socket or timer behind. */
export const leavingNothing: TestGroup = {
  'leaves nothing after a session': ({ prove, first }) => assertLeavesNothing(() => prove(first.fields)),

  'leaves nothing after a refusal': ({ opens, refused, first }) => {
    const fields = refused(first.fields);
    return assertLeavesNothing(async () =>
      assert.equal(
        await opens(fields),
        false,
        'open has opened a session with a credential that the target refuses.',
      ),
    );
  },

  'leaves nothing after a login that was given up': async ({ open, elsewhere, first }) => {
    const server = await startSilentServer();
    try {
      const fields = elsewhere(first.fields, server.address);
      await assertLeavesNothing(async () => {
        const controller = new AbortController();
        const connected = server.connection();
        const opening = open(fields, controller.signal);
        await Promise.race([connected, opening]);
        controller.abort();
        await assertGivenUp(opening);
      });
    } finally {
      await server.close();
    }
  },
};
