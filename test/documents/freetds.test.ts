import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocument } from '../../src/index.ts';
import { passwordFor } from '../../src/rotation/new-password.ts';

/*
 * FreeTDS's ODBC driver and unixODBC's driver manager, as Debian has them, read connection strings and log in with what they
 * read. The server is a stand-in: it offers no encryption, keeps the login, and hangs up.
 */
const drivers = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/odbc/libtdsodbc.so`);
const driver = drivers.find((path) => existsSync(path));
const isMissing = driver === undefined || !existsSync('/usr/bin/isql');
const reason = isMissing ? " (skipped: no FreeTDS; install Debian's tdsodbc and unixodbc)" : '';

/** A login as LOGIN7 says it. @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/773a62b6-ee89-4c02-9e5e-344882630aac */
function readLogin(data: Buffer): readonly [user: string, password: string] {
  const text = (at: number): Buffer => {
    const start = data.readUInt16LE(at);
    return Buffer.from(data.subarray(start, start + 2 * data.readUInt16LE(at + 2)));
  };
  const hidden = text(44).map((byte) => {
    const plain = byte ^ 0xa5;
    return ((plain << 4) | (plain >> 4)) & 0xff;
  });
  return [text(40).toString('utf16le'), Buffer.from(hidden).toString('utf16le')];
}

/** PRELOGIN's answer: a version, and no encryption. */
const options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2];
const answer = Buffer.from([4, 1, 0, 8 + options.length, 0, 0, 1, 0, ...options]);

describe('FreeTDS', () => {
  const logins: (readonly [user: string, password: string])[] = [];
  const server = createServer((socket: Socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 8 && received.length >= received.readUInt16BE(2)) {
        const packet = received.subarray(0, received.readUInt16BE(2));
        received = received.subarray(packet.length);
        if (packet[0] === 0x12) socket.write(answer);
        if (packet[0] !== 0x10) continue;
        logins.push(readLogin(packet.subarray(8)));
        socket.destroy();
      }
    });
  });
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => {
    server.close();
  });

  /** What the driver logs in with; undefined where it makes no login of the string. */
  async function loginOf(text: string): Promise<readonly [string, string] | undefined> {
    logins.length = 0;
    await new Promise<void>((resolve) => {
      execFile('/usr/bin/isql', ['-k', text, '-b'], { timeout: 20_000 }, () => resolve());
    });
    return logins[0];
  }

  const string = (credential: string): string =>
    `Driver=${driver};Server=127.0.0.1;Port=${port};TDS_Version=7.4;${credential}`;
  const old = 'Kq7-mT2.vR9_xW4';

  it.skipIf(isMissing).each([
    ['PWD last, without a semicolon', (pwd: string) => `UID=app;PWD=${pwd}`],
    ['PWD last, with a semicolon', (pwd: string) => `UID=app;PWD=${pwd};`],
    ['PWD in the middle', (pwd: string) => `PWD=${pwd};UID=app;Database=shop`],
  ])(`reads each new password: %s${reason}`, async (_place, credential) => {
    const text = string(credential(old));
    expect(await loginOf(text)).toEqual(['app', old]);
    const document = readDocument(text);
    expect(document.fields).toMatchObject({ username: 'app', password: old, host: '127.0.0.1' });
    for (let run = 0; run < 30; run += 1) {
      const password = passwordFor(document);
      expect(await loginOf(document.write({ password }))).toEqual(['app', password]);
    }
  });

  it.skipIf(isMissing).each([
    ['the last of two equal keywords counts', 'UID=one;UID=two;PWD=abc-1;PWD=abc-2'],
    ['space around a value belongs to it', 'UID=app;PWD= abc-1 ;'],
  ])(`reads as Keyturn does: %s${reason}`, async (_rule, credential) => {
    const { username, password } = readDocument(string(credential)).fields;
    expect(await loginOf(string(credential))).toEqual([username, password]);
  });

  it.skipIf(isMissing)(`knows neither User Id nor Password${reason}`, async () => {
    const text = string('User Id=app;Password=abc-1');
    expect((await loginOf(text)) ?? ['', '']).toEqual(['', '']);
    expect(readDocument(text).refusal?.message).toContain('means nothing');
  });
});
