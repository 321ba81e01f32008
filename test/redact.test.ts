import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPasswordPolicy, generatePassword, type PasswordPolicy } from '../src/password.ts';
import { createRedactor, type Redactor } from '../src/redact.ts';
import { encodings, isReadable, truncations } from './support/encodings.ts';

/** How many passwords are tried in each form: a multiple of the number of policies below. */
const times = 1_000;
const flags = [false, true];

/** Every policy that allows some characters, one after the other. */
const policies: readonly PasswordPolicy[] = flags.flatMap((excludeNumbers) =>
  flags.flatMap((excludePunctuation) =>
    flags.flatMap((excludeUppercase) =>
      flags.flatMap((excludeLowercase) =>
        excludeNumbers && excludePunctuation && excludeUppercase && excludeLowercase
          ? []
          : [8, 12, 20, 32, 64].flatMap((length) =>
              ['', defaultPasswordPolicy.excludeCharacters].map((excludeCharacters) => ({
                ...{ excludeNumbers, excludePunctuation, excludeUppercase, excludeLowercase },
                ...{ length, excludeCharacters, requireEachIncludedType: true },
              })),
            ),
      ),
    ),
  ),
);

function passwords(of: readonly PasswordPolicy[]): string[] {
  return Array.from({ length: times }, (_, at) =>
    generatePassword({ ...defaultPasswordPolicy, ...of[at % of.length] }),
  );
}

function redactorOf(fields: Readonly<Record<string, unknown>>): Redactor {
  const redactor = createRedactor();
  redactor.learn(fields);
  return redactor;
}

const knownBy = (password: string): [string, Redactor] => [
  password,
  redactorOf({ engine: 'postgres', host: 'db.example.com', username: 'app', password }),
];

describe('a password of the generator', () => {
  const all = passwords(policies).map(knownBy);

  it.each(Object.entries(encodings))('can not be read: %s', (_form, encode) => {
    const read = all.filter(([password, redactor]) =>
      isReadable(redactor.foreign(`the server said ${encode(password)} and left`), password, 8),
    );
    expect(read.map(([password]) => password)).toEqual([]);
  });

  const long = passwords(policies.filter(({ length }) => length >= 20)).map(knownBy);

  it.each(Object.entries(truncations))('can not be read in part: %s', (_form, encode) => {
    const read = long.filter(([password, redactor]) =>
      isReadable(redactor.foreign(`the server said ${encode(password)}`), password, 8),
    );
    expect(read.map(([password]) => password)).toEqual([]);
  });

  it('can not be read in part where quotes and plus stand between digits', () => {
    const [password, redactor] = knownBy(')\\">206$]25"2520+37|');
    expect(redactor.foreign(`...${password.slice(10)}' at line 1`)).not.toContain('2520');
    expect(redactor.foreign('it failed at 5252037 of 9999999')).toContain('5252037');
  });

  it('can not be read in what Keyturn writes either, and leaves the rest as it is', () => {
    for (const [password, redactor] of passwords([{ ...defaultPasswordPolicy, length: 32 }]).map(knownBy)) {
      const shown = redactor.text(
        `postgres could not open at db.example.com:5432 with ${password} and so on`,
      );
      expect(shown).toBe('postgres could not open at db.example.com:5432 with [redacted] and so on');
    }
  });
});

describe('a value of any characters', () => {
  const value = fc.string({ minLength: 12, maxLength: 40, unit: 'grapheme' });

  it.each(Object.entries(encodings))('can not be read: %s', (_form, encode) => {
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (password, before, after) => {
        const shown = redactorOf({ password }).foreign(`${before} ${encode(password)} ${after}`);
        expect(isReadable(shown, password)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('can not be read when it comes back through two encodings, one in the other', () => {
    const forms = fc.constantFrom(...Object.keys(encodings));
    fc.assert(
      fc.property(forms, forms, (inner, outer) => {
        const password = generatePassword({ ...defaultPasswordPolicy, excludeCharacters: '' });
        const encode = (form: string, text: string): string => encodings[form]?.(text) ?? text;
        const shown = redactorOf({ password }).foreign(encode(outer, encode(inner, password)));
        expect(isReadable(shown, password, 12), shown).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('can not be read in base64 of something longer, before and after which anything may stand', () => {
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (password, before, after) => {
        for (const encoding of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(`${before}${password}${after}`).toString(encoding);
          expect(isReadable(redactorOf({ password }).foreign(encoded), password)).toBe(false);
        }
      }),
    );
  });

  it('is hidden with all text around it if it has more layers than are decoded', () => {
    const password = generatePassword(defaultPasswordPolicy);
    let text = password;
    for (let layer = 0; layer < 8; layer += 1) text = encodeURIComponent(text);
    expect(redactorOf({ password }).foreign(text)).toBe('[redacted]');
  });

  it('takes a time that grows with the text, however hostile that is', () => {
    const texts = [
      'a',
      'ab',
      'abcd!',
      '\n',
      'aaaa\n',
      '\\',
      '%25',
      '&amp;',
      'amp;',
      '1,',
      '0',
      ' ',
      '.:',
      '%5Cu0025',
    ];
    const secrets = ['a'.repeat(65_536), `${'ab'.repeat(30_000)}!`, 'abcd!'.repeat(13_000)];
    for (const secret of secrets) {
      const redactor = redactorOf({ privateKey: secret });
      for (const text of texts)
        expect(redactor.text(text.repeat(100_000 / text.length)).length).toBeLessThan(20_000);
    }
  });
});

describe('parts of a value', () => {
  it('are masked, but for the words that any message may have', () => {
    const redactor = redactorOf({ password: 'password-Zx81!kLmQ-2024', username: 'app' });
    expect(redactor.foreign('password authentication failed near "Zx81!kLm" in 2024')).toBe(
      'password authentication failed near "[redacted]" in 2024',
    );
  });

  it('are left where they are the name of the account, the host or the secret', () => {
    const redactor = redactorOf({ username: 'orders-service', password: 'orders-service-Zx81!kLmQ' });
    redactor.publish('arn:aws:secretsmanager:eu-west-1:123456789012:secret:Zx81-AbCdEf');
    expect(redactor.foreign('no pg_hba.conf entry for user "orders-service"')).toBe(
      'no pg_hba.conf entry for user "orders-service"',
    );
    expect(redactor.text('orders-service-Zx81!kLmQ')).toBe('[redacted]');
  });

  it('of a whole secret are only masked where they are secret by themselves', () => {
    const redactor = createRedactor();
    const fields = { engine: 'postgres', host: 'db.example.com', username: 'app', password: 'Zx81!kLmQw77' };
    redactor.learnText(JSON.stringify(fields));
    redactor.learn(fields);
    expect(redactor.text(`read ${JSON.stringify(fields)}`)).toBe('read [redacted]');
    expect(redactor.text('"engine":"postgres","host":"db.example.com"')).not.toContain('[redacted]');
  });

  it('masks the longer of two values of which one holds the other, whole', () => {
    const redactor = redactorOf({ password: 'hunter2', apiKey: 'hunter2-and-more' });
    expect(redactor.text('it is hunter2-and-more')).toBe('it is [redacted]');
  });
});

describe('a value that is too short or too common', () => {
  const common = [
    'secret',
    'Secret',
    'a',
    '',
    'x1',
    '12345',
    'changeme',
    'postgres',
    '000000000000',
    'client secret',
    "'",
  ];
  const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/orders-AbCdEf';
  const own = `Secret ${arn} has no current value. Store the client secret that works today, then rotate.`;

  it.each(common)('is never masked in what Keyturn writes: %j', (password) => {
    expect(redactorOf({ client_secret: password }).text(own)).toBe(own);
  });

  it.each(common.filter((password) => password !== ''))(
    'hides all of what others write, whatever it is: %j',
    (password) => {
      const redactor = redactorOf({ client_secret: password });
      const told = ['', own, `it was '${password}'`, `it was not`].map((text) => redactor.foreign(text));
      // The same answer for every text. Otherwise it would tell which texts hold the value.
      expect(new Set(told).size).toBe(1);
      expect(told[0]).toMatch(/^\[redacted\]/);
    },
  );

  it.each(['orders-db', 'ORDERS-DB', 'prod/orders', 'AbCdEf'])(
    'is one that the ARN or the account says: %s',
    (password) => {
      const redactor = redactorOf({ username: 'orders-db', password });
      redactor.publish(arn);
      expect(redactor.text(`${own} orders-db`)).toBe(`${own} orders-db`);
      expect(redactor.foreign(`it is ${password}`)).not.toContain(password);
    },
  );

  it('is masked as a word in what others write, where its field holds no credential', () => {
    const redactor = redactorOf({ password: 'Zx81!kLmQw77', environment: 'production', debug: 'on' });
    expect(redactor.text('the production database')).toBe('the production database');
    expect(redactor.foreign('the production database, on preproduction')).toBe(
      'the [redacted] database, on preproduction',
    );
  });

  it('is no longer there when the secret has a better one', () => {
    expect(redactorOf({ password: 'Zx81!kLmQw77' }).foreign('the secret is wrong')).toBe(
      'the secret is wrong',
    );
  });
});

describe('whoever can have texts masked and reads them', () => {
  it('can not test a guess at an admin’s password with the host of his own secret', () => {
    const guess = 'Admin-Zx81!kLmQ';
    const guesses = `${guess}.example.com`;
    const shown = [guess, 'Another-Zx81!kLmQ'].map((password) => {
      const redactor = redactorOf({ host: guesses, username: 'mallory', password: 'Mine-77!xyzw' });
      redactor.learn({ host: 'db.example.com', username: 'admin', password });
      return redactor.text(`postgres could not open at ${guesses}: it is closed.`);
    });
    expect(shown[0]).toBe(shown[1]);
  });

  it('is told no more than 1,000 characters of what a server says', () => {
    const shown = redactorOf({ password: 'Zx81!kLmQw77' }).foreign('guess '.repeat(10_000));
    expect(shown.length).toBeLessThan(1_050);
    expect(shown).toContain('59000 more characters');
  });

  it('reads no password that somebody put where everybody reads', () => {
    const redactor = redactorOf({ host: 'db?password=Zx81!kLmQw77', password: 'Zx81!kLmQw77' });
    expect(redactor.text('could not open at db?password=Zx81!kLmQw77')).toBe(
      'could not open at db?password=[redacted]',
    );
  });
});

describe('what nobody has told the redactor', () => {
  it.each([
    ["PASSWORD 'SCRAM-SHA-256$4096:c2FsdHNhbHQ=$U3RvcmVk:U2VydmVy'", "PASSWORD '[redacted]'"],
    ["PASSWORD 'md55f4dcc3b5aa765d61d8327deb882cf99'", "PASSWORD '[redacted]'"],
    ["AS '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'", "AS '[redacted]'"],
    ['Authorization: Bearer glpat-x1y2z3a4b5c6', 'Authorization: Bearer [redacted]'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic dXNlcjpwYXNz'],
    ['Proxy-Authorization: Basic dXNlcjpwYXNzMQ==', 'Proxy-Authorization: Basic [redacted]'],
    ['connect to http://me:pw@proxy:3128 failed', 'connect to http://[redacted]@proxy:3128 failed'],
  ])('is masked where it is a credential by its form: %s', (text, shown) => {
    expect(redactorOf({ password: 'Zx81!kLmQw77' }).foreign(text)).toBe(shown);
  });
});

describe('fields', () => {
  it('are sensitive when they are unknown or nested, and host and user are not', () => {
    const redactor = redactorOf({
      host: 'db.example.com',
      username: 'service',
      nested: { token: 'tok-123456' },
      list: ['key-654321'],
      pin: 8_675_309_123_456,
    });
    expect(redactor.text('service@db.example.com tok-123456 key-654321 8675309123456')).toBe(
      'service@db.example.com [redacted] [redacted] [redacted]',
    );
  });
});

const secret = 'Open-Sesame-77!';
const shownOf = (error: unknown): string =>
  inspect(error, { depth: 10, showHidden: true, getters: true, showProxy: true });

describe('an error that is thrown', () => {
  const redactor = redactorOf({ password: secret });

  class Driver extends Error {
    readonly parameters = [secret];
    get statement(): string {
      return `PASSWORD '${secret}'`;
    }
  }
  class Thrower extends Error {
    override get message(): string {
      throw new Error(secret);
    }
  }
  const cyclic = new Error(`a ${secret}`);
  cyclic.cause = new Error(`b ${secret}`, { cause: cyclic });
  const altered = new Error(`first ${secret}`);
  altered.message = 'second';
  const named = Object.assign(new Error('x'), { name: secret, code: secret });
  const hidden = Object.defineProperty(new Error('x'), 'hidden', { value: secret });
  const deep = Array.from({ length: 20_000 }).reduce<Error>(
    (cause) => new Error(secret, { cause }),
    new Error(secret),
  );

  it.each<[string, unknown]>([
    ['with a message', new Error(`bad ${secret}`)],
    [
      'with properties of all kinds',
      Object.assign(new Error('x'), {
        text: secret,
        list: [[secret]],
        map: new Map([[secret, secret]]),
        set: new Set([secret]),
        bytes: Buffer.from(secret),
        nested: { deep: { [secret]: secret } },
        [Symbol(secret)]: secret,
        [secret]: true,
        call: () => secret,
      }),
    ],
    ['with a property that is not enumerable', hidden],
    ['with getters', Object.defineProperty(new Error('x'), 'sql', { get: () => secret, enumerable: true })],
    ['of a class of its own', new Driver(secret)],
    ['whose message throws', new Thrower()],
    ['whose stack is that of another message', altered],
    ['whose name and code are secret', named],
    ['with causes that go round', cyclic],
    ['with causes without end', deep],
    ['with a cause that is no error', new Error('x', { cause: { password: secret } })],
    ['with a cause that is a text', new Error('x', { cause: secret })],
    ['that is frozen', Object.freeze(new Error(secret, { cause: Object.freeze(new Error(secret)) }))],
    ['that is sealed', Object.seal(Object.assign(new Error(secret), { secret }))],
    ['of many errors', new AggregateError([new Error(secret), new Error(secret)], secret)],
    ['of many errors and no message', new AggregateError([new Error(secret), { secret }])],
    ['that is a text', `it is ${secret}`],
    ['that is an object', { password: secret, toString: () => secret }],
    ['that is an object without a prototype', Object.assign(Object.create(null), { secret })],
    [
      'that is an object that throws',
      {
        toString: () => {
          throw new Error(secret);
        },
      },
    ],
    ['that is a symbol', Symbol(secret)],
    [
      'that is a proxy that throws',
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error(secret);
          },
        },
      ),
    ],
    ['that is a proxy of an error', new Proxy(new Error(secret), {})],
    ['that is nothing', undefined],
    ['of a stack that is no text', Object.assign(new Error('x'), { stack: { secret } })],
    ['of a message that is no text', Object.assign(new Error('x'), { message: { toString: () => secret } })],
  ])('leaves the function masked: %s', (_what, thrown) => {
    const error = redactor.publicError(thrown);
    expect(error).toMatchObject({ name: 'InternalError', code: 'InternalError' });
    expect(shownOf(error)).not.toContain(secret);
    expect(shownOf(redactor.error(thrown) instanceof Error ? redactor.error(thrown) : '')).not.toContain(
      secret,
    );
  });

  it('says what the errors of an AggregateError say, where it says nothing itself', () => {
    const thrown = new AggregateError([
      new Error('connect ECONNREFUSED ::1:5432'),
      new Error('127.0.0.1:5432'),
    ]);
    expect(redactor.publicError(thrown).message).toContain('ECONNREFUSED ::1:5432; 127.0.0.1:5432');
  });

  it('keeps name, code, causes and the place in the code', () => {
    const cause = Object.assign(new TypeError('refused'), { code: 'ECONNREFUSED' });
    const error = redactor.publicError(new Error('fetch failed', { cause }));
    expect(error.cause).toMatchObject({
      name: 'Error',
      message: 'fetch failed',
      stack: expect.stringMatching(/^Error: fetch failed\n {4}at .*redact\.test\.ts/s),
      cause: { name: 'TypeError', message: 'refused', code: 'ECONNREFUSED' },
    });
  });

  it('shows only name, code and place if a value is too common', () => {
    const weak = redactorOf({ password: 'refused' });
    const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
    const error = weak.publicError(cause);
    expect(error.message).not.toContain('connection refused');
    expect(error.cause).toMatchObject({ name: 'Error', code: 'ECONNREFUSED' });
    expect(shownOf(error)).not.toContain('connection refused');
    expect(error.stack).toMatch(/\n {4}at .*redact\.test\.ts|Report this/s);
  });

  it('is masked in place, for code that has it already', () => {
    const cause = Object.assign(new Error(`bad ${secret}`), { detail: `ALTER ROLE PASSWORD '${secret}'` });
    const error = new Error(`failed with ${secret}`, { cause });
    expect(redactor.error(error)).toBe(error);
    expect(shownOf(error)).not.toContain(secret);
    expect(cause.detail).toBe("ALTER ROLE PASSWORD '[redacted]'");
  });
});

describe('a structured value', () => {
  it('is copied with its texts and names masked', () => {
    const cyclic: Record<string, unknown> = { level: 'info', text: [`the ${secret}`], [secret]: 1 };
    cyclic.self = cyclic;
    const shown = redactorOf({ password: secret }).value({
      cyclic,
      map: new Map([[secret, { secret }]]),
      bytes: Buffer.from(secret),
      error: new Error(secret),
    });
    expect(inspect(shown, { depth: 10, showHidden: true })).not.toContain(secret);
    expect(shown).toMatchObject({ cyclic: { level: 'info', text: ['the [redacted]'], '[redacted]': 1 } });
  });
});
