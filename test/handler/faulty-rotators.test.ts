import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createRotators } from '../../rotators/index.ts';
import {
  contradictoryField,
  createRotationHandler,
  type GenerateContext,
  type Rotator,
  requireText,
  type SecretFields,
} from '../../src/index.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

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
  async function start(rotator: object): Promise<RotationFixture> {
    const fixture = await startFixture({
      rotators: untyped([rotator]),
      environment: {},
      configuration: { defaultRotator: Object(rotator).name },
    });
    onTestFinished(() => fixture.close());
    return fixture;
  }

  async function rotateAt(fixture: RotationFixture, value: object = { password: old }) {
    const arn = await fixture.createSecret(value);
    const failure = await fixture.rotate(arn);
    if (failure !== undefined) {
      expect((await fixture.read(arn)).password).toBe(old);
      expect(failure).not.toContain(old);
    }
    for (const note of fixture.recorded.notes) expect(note).not.toContain(old);
    return failure;
  }

  async function rotate(rotator: object): Promise<string | undefined> {
    return rotateAt(await start(rotator));
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
    ['generate', 'a promise in a field', async () => ({ password: Promise.resolve('New-secret-value-2') })],
    ['change', 'false', async () => false],
    ['verify', 'false', async () => false],
    ['parse', 'a promise', async (fields: object) => fields],
    ['parse', 'a promise that rejects', () => Promise.reject(new Error('later'))],
    ['parse', 'nothing', () => undefined],
    ['target', 'a promise that rejects', () => Promise.reject(new Error('later'))],
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
    ['nothing', async () => undefined],
    ['a text', async () => 'ok'],
    ['a finding without its detail', async () => [{ check: 'login', ok: true }]],
  ])('are told: preflight with %s', async (_what, preflight) => {
    const fixture = await start({ ...changing, preflight });
    const arn = await fixture.createSecret({ password: old });
    expect(await fixture.rotate(arn, { immediately: false })).toMatch(
      /^InternalError: The rotator changing has a fault: its preflight returned no list of findings/,
    );
  });

  it.each([
    ['nothing', async () => undefined],
    ['one right that is not in a list', async () => 'superuser'],
    ['a list of other things', async () => [{ right: 'superuser' }]],
  ])('never let an admin change an account: excessRights with %s', async (_what, excessRights) => {
    let changes = 0;
    const rotator = {
      ...changing,
      changedBy: 'admin',
      generate: async () => ({ username: 'app_clone', password: 'New-secret-value-2' }),
      change: async () => {
        changes += 1;
      },
      excessRights,
    };
    const fixture = await start(rotator);
    const masterarn = await fixture.createSecret({ username: 'root', password: 'Admin-secret-value-3' });
    expect(await rotateAt(fixture, { username: 'app', password: old, masterarn })).toMatch(
      /^InternalError: The rotator changing has a fault: its excessRights returned no list of texts/,
    );
    expect(changes).toBe(0);
  });

  const strict = {
    parse: (fields: SecretFields) => ({
      username: requireText(fields, 'username'),
      password: requireText(fields, 'password'),
    }),
    target: ({ username }: { readonly username: string }) => ({ host: 'h', account: username }),
  };
  const makers = [
    ['generate', { ...changing, ...strict }],
    ['issue', { ...issuing, ...strict }],
  ] as const;

  it.each(makers)('are told: %s with a value that parse refuses', async (member, rotator) => {
    const fixture = await start({ ...rotator, [member]: async () => ({ password: 918273645 }) });
    const failure = await rotateAt(fixture, { username: 'app', password: old });
    expect(failure).toMatch(
      new RegExp(`^InternalError: .* fault: its ${member} returned what parse refuses: .*"password"`),
    );
    expect(failure).not.toContain('918273645');
  });

  it.each(makers)('are told: %s with another account', async (member, rotator) => {
    const changes = { username: 'other', password: 'New-secret-value-2' };
    const fixture = await start({ ...rotator, [member]: async () => changes });
    expect(await rotateAt(fixture, { username: 'app', password: old })).toMatch(
      new RegExp(
        `^InternalError: .* fault: its ${member} returned fields for another target.* account differs`,
      ),
    );
  });

  it('are told apart from a policy that makes what parse refuses', async () => {
    const short = {
      ...changing,
      parse: (fields: SecretFields) => {
        const password = requireText(fields, 'password');
        if (password.length > 20) throw contradictoryField('password', 'is too long');
        return { password };
      },
      generate: async (_current: unknown, { password }: GenerateContext) => ({ password: password() }),
    };
    expect(await rotate(short)).toMatch(/^PasswordImpossible: .*"password" is too long/);
  });

  it.each([
    ['parse', 'the fields', { parse: (fields: object) => Object.assign(fields, { port: 1 }) }],
    [
      'generate',
      'the credential',
      { generate: async (current: object) => Object.assign(current, { password: 'New-secret-value-2' }) },
    ],
    ['target', 'the credential', { target: (current: object) => Object.assign(current, { host: 'h' }) }],
  ])('are told: %s that changes %s it was given', async (member, _what, wrong) => {
    expect(await rotate({ ...changing, ...wrong })).toMatch(
      new RegExp(
        `(?:its ${member} threw an error|could not ${member} at h): Cannot (?:assign|add)|object is not`,
      ),
    );
  });

  it('are told with the message of what a pure member has thrown', async () => {
    const target = ({ host }: { readonly host: string }) => ({ host: host.trim(), account: 'app' });
    expect(await rotate({ ...changing, target })).toMatch(
      /its target threw an error: Cannot read properties of undefined \(reading 'trim'\)\. Correct/,
    );
  });

  it('are told: identity with nothing', async () => {
    const identity = () => undefined;
    const fixture = await start({ ...issuing, issuedBy: 'admin', identity });
    expect(await rotateAt(fixture)).toMatch(
      /^InternalError: The rotator issuing has a fault: its identity returned nothing/,
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
    ['an unknown code', () => 'NoSuchCode', 'returned "NoSuchCode", which is no code of Keyturn, so'],
    ['the message', (error: Error) => error.message, 'returned "'],
    ['a promise', async () => 'TargetBusy', 'returned a promise, so'],
    ['a promise that rejects', () => Promise.reject(new Error('later')), 'returned a promise, so'],
    ['a number', () => 28, 'returned no text, so'],
    [
      'an error',
      () => {
        throw new Error(old);
      },
      'threw an error, so',
    ],
  ])(
    'leave the code TargetFailed, and are in the log, if classify answers with %s',
    async (_what, classify, fault) => {
      const change = async () => {
        throw new Error(`the reason, with ${old}`);
      };
      const fixture = await start({ ...changing, change, classify });
      expect(await rotateAt(fixture)).toMatch(/^TargetFailed: .*the reason/);
      const warnings = fixture.recorded.notes.filter((note) => note.includes('a fault: its classify'));
      expect(warnings).toEqual([expect.stringContaining(fault)]);
      expect(warnings[0]).toContain('so the error during change counts as TargetFailed');
    },
  );

  it.each([
    ['a text', 'no luck', 'no luck'],
    ['an object', { code: 17, message: `no ${old}` }, 'no [redacted]'],
    ['nothing', undefined, 'undefined'],
  ])('are told with what was thrown if that is no Error: %s', async (_what, thrown, told) => {
    const change = () => Promise.reject(thrown);
    const failure = await rotate({ ...changing, change });
    expect(failure).toContain(`could not change at h: ${told} (what was thrown is no Error).`);
  });

  it.each([undefined, null])(
    'leave the code TargetFailed without a word if classify answers %s',
    async (code) => {
      const change = async () => {
        throw new Error('the reason');
      };
      const fixture = await start({ ...changing, change, classify: () => code });
      expect(await rotateAt(fixture)).toMatch(/^TargetFailed: .*the reason/);
      expect(fixture.recorded.notes).toEqual([]);
    },
  );

  it('may be a session that is a function with a close, as drivers have it', async () => {
    const open = async () => Object.assign(() => undefined, session);
    expect(await rotate({ ...changing, open })).toBeUndefined();
  });

  it('do not stop a rotation whose session’s close returns no promise', async () => {
    const fixture = await start({ ...changing, open: async () => ({ close: () => undefined }) });
    expect(await rotateAt(fixture)).toBeUndefined();
    expect(fixture.recorded.notes).toEqual([]);
  });

  const closes = [
    ['throws', () => JSON.parse('broken'), 'threw an error: '],
    [
      'rejects with the value',
      () => Promise.reject(new Error(`not in use: ${old}`)),
      'threw an error: not in use',
    ],
    [
      'rejects with a text',
      () => Promise.reject('gone'),
      'threw an error: gone (what was thrown is no Error)',
    ],
    ['never ends', () => new Promise(() => undefined), 'did not end in time'],
  ] as const;

  it.each(closes)(
    'do not stop a rotation whose session’s close %s, and are in the log',
    async (_what, close, fault) => {
      const fixture = await start({ ...changing, open: async () => ({ close }) });
      expect(await rotateAt(fixture)).toBeUndefined();
      const [warning] = fixture.recorded.notes;
      expect(warning).toContain('The rotator changing has a fault: its open returned a session whose close ');
      expect(warning).toContain(fault);
    },
  );

  it('are in the log if they are the close of the admin’s session', async () => {
    const close = async () => {
      throw new Error('the admin has left');
    };
    const open = async ({ username }: { readonly username: string }) =>
      username === 'root' ? { close } : session;
    const fixture = await start({ ...changing, changedBy: 'admin', open });
    const masterarn = await fixture.createSecret({ username: 'root', password: 'Admin-secret-value-3' });
    expect(await rotateAt(fixture, { username: 'app', password: old, masterarn })).toBeUndefined();
    expect(fixture.recorded.notes).toContainEqual(expect.stringContaining('the admin has left'));
  });

  it.each([
    ['throws', () => JSON.parse('broken'), 'threw an error'],
    ['rejects', () => Promise.reject(new Error('no route')), 'threw an error'],
    ['returns nothing', async () => undefined, 'returned no object'],
    ['returns null', async () => null, 'returned no object'],
    ['returns no close', async () => ({ open: async () => session }), 'returned no object'],
    [
      'returns a close that throws',
      async () => ({ open: async () => session, close: () => JSON.parse('broken') }),
      'returned an object whose close threw an error',
    ],
    [
      'returns a close that rejects',
      async () => ({ open: async () => session, close: () => Promise.reject(new Error('gone')) }),
      'returned an object whose close threw an error: gone',
    ],
  ])('do not stop a rotation whose prepare %s, and are in the log', async (_what, prepare, fault) => {
    const fixture = await start({ ...changing, prepare });
    expect(await rotateAt(fixture)).toBeUndefined();
    expect(fixture.recorded.notes).toEqual([
      expect.stringMatching(new RegExp(`^The rotator changing has a fault: its prepare ${fault}`)),
    ]);
  });

  it.each([
    ['open', changing],
    ['generate', changing],
    ['prepare', changing],
    ['change', changing],
    ['verify', changing],
    ['issue', issuing],
    ['revokeOrphans', { ...issuing, overlap: 'until-next-rotation' }],
  ] as const)(
    'are in the log before Lambda ends the process if they never end: %s',
    async (member, rotator) => {
      const time = new AbortController();
      const { promise, reject } = Promise.withResolvers<never>();
      const hang = () => {
        time.abort();
        return promise;
      };
      const fixture = await start({ ...rotator, [member]: hang });
      const context = { getRemainingTimeInMillis: () => 60_000, signal: time.signal };
      fixture.local.registerFunction('rotate', async (event) => void (await fixture.handler(event, context)));
      const rotating = rotateAt(fixture);
      const fault = `has a fault: its ${member} goes on after its signal has fired: pass context.signal`;
      await vi.waitFor(
        () => expect(fixture.recorded.notes).toContainEqual(expect.stringContaining(fault)),
        10_000,
      );
      expect(fixture.recorded.reports.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
      reject(new Error('at last'));
      expect(await rotating).toBeDefined();
    },
  );
});
