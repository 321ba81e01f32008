import { describe, expect, it, onTestFinished } from 'vitest';
import { createRotators } from '../../rotators/index.ts';
import { createRotationHandler, type Rotator } from '../../src/index.ts';
import { startFixture } from '../support/rotation-fixture.ts';

const old = 'Old-secret-value-1';
type Case = readonly [what: string, rotators: unknown, problem: string];

const session = { close: async () => undefined };
const changing = {
  kind: 'changes',
  name: 'changing',
  overlap: 'none',
  changedBy: 'account',
  parse: (fields: object) => fields,
  target: () => ({ host: 'h', account: 'app' }),
  generate: async () => ({ password: 'New-secret-value-2' }),
  open: async () => session,
  change: async () => undefined,
};
const { generate: _generate, change: _change, changedBy: _changedBy, ...common } = changing;
const issuing = {
  ...common,
  kind: 'issues',
  name: 'issuing',
  issuedBy: 'account',
  issue: async () => ({ password: 'New-secret-value-2' }),
};

/** As JavaScript hands over what no compiler has looked at. */
const untyped = (rotators: unknown): Rotator[] => Object(rotators);

describe('rotators that no compiler has checked', () => {
  it.each<Case>([
    ['nothing', undefined, 'no list'],
    ['one rotator', changing, 'no list'],
    ['a promise', Promise.resolve([changing]), 'no list'],
    ['null', [null], 'Number 1 is no rotator'],
    ['a function that makes it', [() => changing], 'Number 1 is a function'],
    ['a list in the list', [changing, [issuing]], 'Number 2 is a list'],
    ['no kind', [{ ...changing, kind: undefined }], '"changing": kind must be'],
    ['a kind in capitals', [{ ...changing, kind: 'Changes' }], '"changing": kind must be'],
    ['members of the other kind', [{ ...changing, ...issuing }], 'generate belongs to the other kind'],
    ['a member of the other kind', [{ ...changing, revoke: async () => undefined }], 'revoke belongs to'],
    ['one name twice', [changing, issuing, { ...issuing }], 'Two rotators have the name "issuing"'],
    ['no name', [{ ...changing, name: undefined }], 'number 1, which changes: name is missing'],
    ['an empty name', [{ ...changing, name: '' }], 'name must be a text that a tag can hold'],
    ['a name too long for a tag', [{ ...changing, name: 'n'.repeat(257) }], 'name must be'],
    ['a name that no tag can hold', [{ ...changing, name: 'sql,server' }], 'name must be'],
    ['a name with a space before it', [{ ...changing, name: ' mine' }], 'name must be'],
    ['engines that are one text', [{ ...changing, engines: 'db' }], 'engines must be a list of texts'],
    ...['parse', 'target', 'open', 'generate', 'change', 'overlap', 'changedBy'].map(
      (member): Case => [`no ${member}`, [{ ...changing, [member]: undefined }], `${member} is missing`],
    ),
    ...['parse', 'target', 'open', 'issue', 'overlap', 'issuedBy'].map(
      (member): Case => [
        `no ${member} of an issuing one`,
        [{ ...issuing, [member]: undefined }],
        `${member} is missing`,
      ],
    ),
    ['found-out of an issuing one', [{ ...issuing, overlap: 'found-out' }], 'overlap must be'],
    ['nobody who may change', [{ ...changing, changedBy: 'root' }], "changedBy must be 'account' or 'admin'"],
    ['a verify that is no function', [{ ...changing, verify: true }], 'verify must be a function'],
    ['an unknown revocation', [{ ...issuing, revocation: 'never' }], 'revocation must be'],
    ['no hours', [{ ...issuing, revocation: { afterHours: 0 } }], 'revocation must be'],
    ['a revocation that nothing does', [{ ...changing, revocation: 'at-once' }], 'needs endReplaced'],
    ['a first value that nothing uses', [{ ...changing, empty: {} }], 'empty needs opensNothing'],
  ])('are refused at once: %s', (_what, rotators, problem) => {
    const make = () => createRotationHandler({ rotators: untyped(rotators), environment: {} });
    expect(make).toThrow(
      expect.objectContaining({
        code: 'InvalidConfiguration',
        field: 'rotators',
        message: expect.stringContaining(problem),
      }),
    );
  });

  it('names everything that is wrong', () => {
    const { parse: _parse, ...rotator } = changing;
    const rotators = untyped([{ ...rotator, verify: 1 }, null]);
    expect(() => createRotationHandler({ rotators, environment: {} })).toThrow(
      /parse is missing.*verify must be.*Number 2 is no rotator/s,
    );
  });

  it.each(['on-next-rotation', 'at-once', { afterHours: 24 }] as const)(
    'are accepted if they are Keyturn’s own, with the revocation %j',
    (revocation) => {
      const own = createRotators({
        redis: { revocation },
        mysql: { revocation },
        elastiCache: { revocation },
        memoryDb: { revocation },
        oauth: { revocation },
        apiTokens: { revocation },
      });
      expect(() => createRotationHandler({ rotators: own, environment: {} })).not.toThrow();
    },
  );
});

describe('rotators that are classes', () => {
  class Changing {
    kind = 'changes';
    name = 'changing';
    overlap = 'none';
    changedBy = 'account';
    parse = changing.parse;
    target = changing.target;
    generate = changing.generate;
    open = changing.open;
    change = changing.change;
    identity(): string {
      return this.name;
    }
  }

  it('may have a method of their own whose name the other kind has too', () => {
    const rotators = untyped([new Changing()]);
    expect(() => createRotationHandler({ rotators, environment: {} })).not.toThrow();
  });
});

describe('members that return what the contract excludes', () => {
  async function rotate(rotator: object): Promise<string | undefined> {
    const fixture = await startFixture({
      rotators: untyped([rotator]),
      environment: {},
      configuration: { defaultRotator: Object(rotator).name },
    });
    onTestFinished(() => fixture.close());
    const arn = await fixture.createSecret({ password: old });
    const failure = await fixture.rotate(arn);
    if (failure !== undefined) {
      expect((await fixture.read(arn)).password).toBe(old);
      expect(failure).not.toContain(old);
    }
    return failure;
  }

  it.each([
    ['generate', 'nothing', async () => undefined],
    ['generate', 'a bare password', async () => 'New-secret-value-2'],
    ['generate', 'a list', async () => ['New-secret-value-2']],
    ['generate', 'no field', async () => ({})],
    ['generate', 'an undefined field', async () => ({ password: undefined })],
    ['generate', 'the value that AWSCURRENT has', async () => ({ password: old })],
    ['generate', 'a function', async () => ({ password: () => 'x' })],
    ['generate', 'a bigint', async () => ({ password: 1n })],
    ['open', 'true', async () => true],
    ['open', 'null', async () => null],
    ['open', 'a session without close', async () => ({})],
    ['parse', 'a promise', async (fields: object) => fields],
    [
      'parse',
      'an error with the value',
      (fields: object) => {
        throw new Error(`can't read ${Object(fields).password}`);
      },
    ],
    ['target', 'nothing', () => undefined],
    ['target', 'a text', () => 'h'],
    ['target', 'no account', () => ({ host: 'h' })],
    [
      'target',
      'an error with the value',
      (fields: object) => {
        throw new Error(`no host in ${Object(fields).password}`);
      },
    ],
  ])('are told, with the rotator and the member: %s with %s', async (member, _what, does) => {
    expect(await rotate({ ...changing, [member]: does })).toMatch(
      new RegExp(`^InternalError: The rotator changing has a fault: its ${member} `),
    );
  });

  it.each([
    ['generate', changing],
    ['issue', issuing],
  ])('are told: %s with a field that parse does not read', async (member, rotator) => {
    const strict = {
      ...rotator,
      parse: ({ password }: { password?: unknown }) => ({ password }),
      [member]: async () => ({ passwd: 'New-secret-value-2' }),
    };
    expect(await rotate(strict)).toMatch(
      new RegExp(`a fault: its ${member} returned fields that parse does not read: passwd`),
    );
  });

  it.each([
    ['nothing', async () => undefined],
    ['a bare token', async () => 'New-secret-value-2'],
    ['no field', async () => ({})],
  ])('are told: issue with %s', async (_what, issue) => {
    expect(await rotate({ ...issuing, issue })).toMatch(
      /^InternalError: The rotator issuing has a fault: its issue /,
    );
  });

  it.each([
    ['an unknown code', () => 'NoSuchCode'],
    ['a promise', async () => 'TargetBusy'],
    [
      'an error',
      () => {
        throw new Error(old);
      },
    ],
  ])('leave the code TargetFailed if classify answers with %s', async (_what, classify) => {
    const change = async () => {
      throw new Error('the reason');
    };
    expect(await rotate({ ...changing, change, classify })).toMatch(/^TargetFailed: .*the reason/);
  });

  it('may be a session that is a function with a close, as drivers have it', async () => {
    const open = async () => Object.assign(() => undefined, session);
    expect(await rotate({ ...changing, open })).toBeUndefined();
  });

  it.each([
    ['throws', { close: () => JSON.parse('broken') }],
    ['returns no promise', { close: () => undefined }],
  ])('do not stop a rotation whose session’s close %s', async (_what, opened) => {
    expect(await rotate({ ...changing, open: async () => opened })).toBeUndefined();
  });
});
