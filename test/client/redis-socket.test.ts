import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { command, dial, opened } from '../../src/client/pools/redis-socket.ts';

/** Sends a command to a server that answers these pieces, each in a packet of its own. */
async function answerTo(...pieces: readonly string[]): Promise<string> {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.once('data', async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await sleep(20);
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const stream = await dial({ host: '127.0.0.1', port });
  try {
    await opened(stream, 'connect', 5_000);
    return await command(stream, ['ANY']);
  } finally {
    stream.destroy();
    server.close();
  }
}

describe('an answer of Redis', () => {
  it.each([
    ['a list that is cut after its length', ['*2\r\n', '$9\r\n127.0.0.1\r\n$4\r\n6379\r\n']],
    ['a list that is cut between its texts', ['*2\r\n$9\r\n127.0.0.1\r\n', '$4\r\n6379\r\n']],
    ['a list in one piece', ['*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n']],
    ['an absent list', ['*-1\r\n']],
    ['a line that is cut', ['+O', 'K\r\n']],
  ])('is read whole: %s', async (_what, pieces) => {
    expect(await answerTo(...pieces)).toBe(pieces.join(''));
  });

  it('is an error if the server says so', async () => {
    await expect(answerTo('-WRONGPASS ', 'no\r\n')).rejects.toThrow('WRONGPASS no');
  });
});
