import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crashMatrix, describeRotator, type RotatorHarness, randomWalks } from '../../src/testing/index.ts';
import { inTime } from '../../src/testing/valid-harness.ts';
import { runOne } from './collecting-runner.ts';
import {
  type MemoryPasswordRotator,
  memoryHarness,
  passwordRotator,
  tokenRotator,
} from './memory-rotators.ts';
import { type MemoryTarget, startMemoryTarget } from './memory-target.ts';

let target: MemoryTarget;
beforeAll(async () => {
  target = await startMemoryTarget();
});
afterAll(() => target.stop());

/** A harness as JavaScript hands it over, with members that no compiler has looked at. */
function harnessWith(
  members: object,
  rotator: typeof passwordRotator | typeof tokenRotator = passwordRotator,
) {
  const harness: RotatorHarness = Object({ ...memoryHarness(target, rotator), ...members });
  return harness;
}

const login = 'opens the target with a credential that is right';
const refusal = 'answers undefined to a credential that the target refuses';
const silence = 'gives up a server that never answers when the signal fires';
const rotation = 'shows no secret value when a rotation succeeds';
const preflight = 'looks at a secret and changes nothing when RotateImmediately is false';
const orphans = 'issues anew when it is repeated, and revokes the orphans and nothing that is needed';

describe('a harness that no compiler has checked', () => {
  it.each([
    ['no account', { account: undefined }, 'account is missing: it must be a function'],
    ['an account that is none', { account: { secret: 'x' } }, 'account must be a function'],
    ['fields instead of refused', { refused: { password: 'x' } }, 'refused must be a function'],
    ['one password', { passwords: 'hostile' }, 'passwords must be a list of texts'],
    ['the URL as its module', { module: 'file:///rotator.js' }, 'module must be { url:'],
    ['found-out', { overlap: 'found-out' }, "overlap must be 'none' or 'until-next-rotation'"],
    ['an error as busy', { busy: new Error('busy') }, 'busy must be a function'],
    ['a text as opensNothing', { opensNothing: 'no' }, 'opensNothing must be true or false'],
    ['no rotator', { rotator: undefined }, 'Number 1 is no rotator'],
  ])('is refused at once: with %s', async (_what, members, problem) => {
    const error = { code: 'InvalidConfiguration', message: expect.stringContaining(problem) };
    const harness = harnessWith(members);
    expect(() => describeRotator('refused', harness)).toThrow(expect.objectContaining(error));
    await expect(crashMatrix(harness)).rejects.toMatchObject(error);
    await expect(randomWalks(harness, { walks: 1 })).rejects.toMatchObject(error);
  });

  it.each([
    ['nothing', undefined, 'returned no account, an object with the member secret'],
    ['a text', 'host=h', 'returned no account'],
    [
      'the fields themselves',
      { host: 'h', username: 'u', password: 'p' },
      "whose secret is missing: it must be the secret's text, or an object of its fields (the object has host, username, password)",
    ],
    ['a list', { secret: ['h', 'u'] }, "whose secret must be the secret's text"],
    ['an empty secret', { secret: '' }, "whose secret must be the secret's text"],
    [
      'a tag that is no text',
      { secret: { password: 'x' }, tags: { a: 1 } },
      'whose tags must be an object of texts',
    ],
    [
      'an admin that is a text',
      { secret: { password: 'x' }, admin: 'root' },
      'whose admin must be an object',
    ],
    [
      'a digest that is no function',
      { secret: { password: 'x' }, digest: 'd' },
      'whose digest must be a function',
    ],
  ])('is told that its account returned %s', async (_what, account, problem) => {
    const harness = harnessWith({ account: async () => account });
    const message = expect.stringMatching(/^The harness has a fault: its account returned/);
    expect(await runOne(harness, login)).toEqual(message);
    expect(await runOne(harness, login)).toContain(problem);
    await expect(crashMatrix(harness)).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      field: 'account',
    });
  });

  it.each([
    ['digest', { digest: async () => undefined }, preflight, 'whose digest answers no text'],
    ['countOrphans', { countOrphans: async () => [] }, orphans, 'whose countOrphans answers no whole number'],
  ])('is told what %s of its account answers', async (_member, members, title, problem) => {
    const { account } = memoryHarness(target, tokenRotator);
    const harness = harnessWith(
      { account: async () => ({ ...(await account()), ...members }) },
      tokenRotator,
    );
    expect(await runOne(harness, title)).toContain(problem);
  });

  it.each([
    ['refused', 'nothing', { refused: () => undefined }, refusal, 'refused returned no object'],
    ['refused', 'a text', { refused: () => 'no' }, refusal, 'refused returned no object'],
    ['refused', 'a promise', { refused: async () => ({}) }, refusal, 'refused returned a promise'],
    [
      'refused',
      'what it was given',
      { refused: (fields: object) => ({ ...fields }) },
      refusal,
      'the fields that it was given',
    ],
    [
      'refused',
      'what it was given, changed',
      { refused: (fields: object) => Object.assign(fields, { password: 'x' }) },
      refusal,
      'Cannot assign to read only property',
    ],
    ['elsewhere', 'nothing', { elsewhere: () => undefined }, silence, 'elsewhere returned no object'],
    [
      'elsewhere',
      'what it was given',
      { elsewhere: (fields: object) => ({ ...fields }) },
      silence,
      'the fields that it was given',
    ],
  ])('is told that %s returned %s', async (_member, _what, members, title, problem) => {
    expect(await runOne(harnessWith(members), title)).toContain(problem);
  });

  it('is told that its account returned the same account twice', async () => {
    const account = await memoryHarness(target, passwordRotator).account();
    const harness = harnessWith({ account: async () => account });
    await expect(crashMatrix(harness, { only: ({ call }) => call === 1 })).resolves.toMatchObject({
      failed: expect.arrayContaining([
        expect.objectContaining({ failure: expect.stringContaining('returned the same account twice') }),
      ]),
    });
  });

  it('is told that its account returned no admin, and the rotator needs one', async () => {
    const rotator = { ...passwordRotator, changedBy: 'admin' };
    expect(await runOne(harnessWith({ rotator }), 'has the target accept the pending credential')).toContain(
      "its account returned no admin, and the rotator's changedBy is 'admin'",
    );
  });

  it('is told that busy returned no Error, before any cell', async () => {
    const harness = harnessWith({ busy: () => 'too busy' });
    const error = { field: 'busy', message: expect.stringContaining('its busy returned no Error') };
    await expect(crashMatrix(harness)).rejects.toMatchObject(error);
    await expect(randomWalks(harness, { walks: 1 })).rejects.toMatchObject(error);
  });
});

describe('credentials of a harness that can not be told from other words', () => {
  const accountWith = (secret: object, more: object = {}) =>
    harnessWith({
      account: async () => ({ secret: { host: 'localhost', port: target.port, ...secret }, ...more }),
    });

  it.each([
    ['short', { username: 'app-user', password: 'a1b2' }, '"password"'],
    ['a word', { username: 'app-user', password: 'password' }, '"password"'],
    ['a number', { username: 'app-user', password: 12_345_678 }, '"password"'],
    ['the username', { username: 'app-user-0815', password: 'app-user-0815' }, '"password"'],
    ['short, one of two', { username: 'app-user', password: randomUUID(), apiKey: 'k' }, '"apiKey"'],
  ])('are refused if they are %s, with the name of the field', async (_what, secret, named) => {
    const message = await runOne(accountWith(secret), login);
    expect(message).toMatch(
      /^The harness has a fault: its account returned an account whose secret has a credential/,
    );
    expect(message).toContain(`in ${named} that is too short or too common`);
    expect(message).toContain('Make it of 12 or more random letters and digits');
  });

  it('are refused in the admin secret too', async () => {
    const admin = { username: 'root', password: 'root' };
    const message = await runOne(accountWith({ username: 'app', password: randomUUID() }, { admin }), login);
    expect(message).toContain('whose admin secret has a credential in "password"');
  });
});

describe('a rotator with a fault that stops no rotation', () => {
  const fails = async (faulty: Partial<MemoryPasswordRotator>, title = rotation) =>
    runOne(memoryHarness(target, { ...passwordRotator, ...faulty }), title);

  it.each([
    ['console.log', (text: string) => console.log('changed to', text)],
    ['console.error of an object', (text: string) => console.error({ pending: { text } })],
    ['stdout', (text: string) => process.stdout.write(`changed to ${text}\n`)],
  ])('fails the suite if it prints a value: by %s', async (_what, print) => {
    const change: MemoryPasswordRotator['change'] = async (session, pending, context) => {
      print(pending.password);
      await passwordRotator.change(session, pending, context);
    };
    expect(await fails({ change })).toMatch(
      /^Of \d+ secret values, there can be seen: \d+ in what the rotator prints\./,
    );
  });

  it('fails the suite if its sessions do not close', async () => {
    const open: MemoryPasswordRotator['open'] = async (account, context) => {
      const session = await passwordRotator.open(account, context);
      const close = async () => {
        await session?.close();
        throw new Error('closed twice');
      };
      return session && { ...session, close };
    };
    expect(await fails({ open })).toContain('returned a session whose close threw an error: closed twice');
    expect(await fails({ open }, login)).toBe('closed twice');
  });

  it('fails the suite if classify knows codes that there are not', async () => {
    const title = 'shows no secret value when the target can not be reached';
    const classify = () => Object('Unreachable').valueOf();
    expect(await fails({ classify }, title)).toContain(
      'its classify returned "Unreachable", which is no code of Keyturn',
    );
  });

  it('is told what it has thrown if that is no Error', async () => {
    const open = () => Promise.reject('no route to the host');
    expect(await fails({ open }, login)).toBe(
      'Something that is no Error was thrown: no route to the host. Throw an Error.',
    );
  });

  it('is told if generate returns nothing', async () => {
    const generate = async () => Object(undefined);
    expect(await fails({ generate }, 'has the target accept the pending credential')).toContain(
      'its generate returned no field',
    );
  });

  it('is told if a new token has the identity of the old one', async () => {
    const identity = ({ username }: { readonly username: string }) => username;
    const harness = memoryHarness(target, { ...tokenRotator, identity });
    expect(await runOne(harness, 'never generates the same twice')).toBe(
      'A new credential has the identity of the current one.',
    );
  });

  it('is told if open returns no session', async () => {
    const open = async () => Object({ id: 1 });
    expect(await fails({ open }, login)).toContain(
      'open has returned neither a session, which has a function close',
    );
  });
});

it('names the call that does not end', async () => {
  const never = () => new Promise<never>(() => undefined);
  await expect(inTime("The rotator's change", never, 20)).rejects.toThrow(
    "The rotator's change has not ended within 0.02 seconds.",
  );
  await expect(inTime("The rotator's change", async () => 'done', 20)).resolves.toBe('done');
});
