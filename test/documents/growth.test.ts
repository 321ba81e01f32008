import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accountsOfApplication,
  differentAccounts,
  isSame,
  type OpenAccount,
} from '../../src/documents/accounts.ts';
import { readDocument } from '../../src/documents/document.ts';
import type { ParsedText } from '../../src/documents/form.ts';
import { listPaths } from '../../src/documents/form.ts';

describe('different accounts', () => {
  const parsed = (engineIsGuess: boolean): ParsedText => ({
    form: 'url',
    fields: {},
    slots: [],
    append: () => [],
    unsafeCharacters: '',
    engineIsGuess,
    others: [],
  });
  const leaf = {
    path: 'a',
    scope: '',
    name: 'a',
    value: '',
    span: { start: 0, end: 0 },
    encode: String,
    embedding: undefined,
  };
  const account = fc
    .record({
      username: fc.constantFrom(undefined, 'u', 'v'),
      password: fc.constantFrom('p', 'q', 'r'),
      host: fc.constantFrom(undefined, 'h', 'H:1', 'i'),
      engine: fc.constantFrom(undefined, 'postgres', 'mysql', 'mariadb', 'unknown'),
      parsed: fc.constantFrom(undefined, true, false),
      isOther: fc.boolean(),
      isFormer: fc.boolean(),
    })
    .map(
      ({ username, password, host, engine, parsed: isGuess, isOther, isFormer }): OpenAccount => ({
        leaf,
        username,
        password,
        fields: { host, engine },
        slots: [],
        parsed: isGuess === undefined ? undefined : parsed(isGuess),
        isOther,
        isFormer,
        isDatabase: true,
      }),
    );

  /** The different accounts, found by comparing each with each. */
  const compared = (accounts: readonly OpenAccount[]): OpenAccount[] =>
    accounts.filter((one, index) => !accounts.slice(0, index).some((earlier) => isSame(earlier, one)));

  it('leave out an account that is the same as an earlier one', () => {
    fc.assert(
      fc.property(fc.array(account, { maxLength: 12 }), (accounts) => {
        expect(differentAccounts(accounts)).toEqual(compared(accounts));
      }),
      { numRuns: 2_000 },
    );
  });

  it('of an application are its own, and every account that is the same as one of its own', () => {
    fc.assert(
      fc.property(fc.array(account, { maxLength: 12 }), (accounts) => {
        const own = accounts.filter(({ isOther }) => !isOther);
        const compared = accounts.filter((one) => own.some((other) => one === other || isSame(other, one)));
        expect(accountsOfApplication(accounts)).toEqual(compared);
      }),
      { numRuns: 2_000 },
    );
  });

  /** How often the users of a number of accounts are read. */
  function readsOf(find: typeof compared, count: number, username: (index: number) => string): number {
    let reads = 0;
    const accounts = Array.from({ length: count }, (_, index): OpenAccount => {
      const whole = {
        leaf,
        username: username(index),
        password: `p${index}`,
        fields: { host: `h${index}` },
        slots: [],
        parsed: parsed(false),
        isOther: false,
        isFormer: false,
        isDatabase: true,
      };
      return Object.defineProperty(whole, 'username', {
        get: () => {
          reads += 1;
          return username(index);
        },
      });
    });
    expect(find(accounts)).toHaveLength(count);
    return reads;
  }

  it.each<[string, (index: number) => string]>([
    ['of as many users', (index) => `u${index}`],
    ['of one user', () => 'u'],
  ])('are found in steps that grow as their number does: %s', (_whose, username) => {
    expect(readsOf(differentAccounts, 400, username)).toBe(4 * readsOf(differentAccounts, 100, username));
    expect(readsOf(compared, 400, username)).toBeGreaterThan(10 * readsOf(compared, 100, username));
  });
});

describe('what is read in linear time', () => {
  const read = (text: string) => readDocument(text).fields;

  it.each([
    ['h', { host: 'h' }],
    ['tcp:h , 1433 ', { host: 'h', port: '1433' }],
    ['h\\i,1433', { host: 'h\\i', port: '1433' }],
    ['h, 1, 2', { host: 'h, 1', port: '2' }],
    ['h,x', { host: 'h,x' }],
    ['h,', { host: 'h,' }],
    [`h${' '.repeat(60_000)}x`, { host: `h${' '.repeat(60_000)}x` }],
    ['.,1433', { host: 'localhost', port: '1433' }],
  ])('the address %j', (server, expected) => {
    expect(read(`Server=${server};User Id=u;Password=p`)).toMatchObject(expected);
  });

  it.each([
    ['jdbc:db2://h/d:user=u;password=p;', true],
    ['jdbc:db2://h/d:user=u', false],
    ['jdbc:db2://h/d;a:user=u', false],
    [`jdbc:db2://h/d${':a='.repeat(20_000)}`, false],
  ])('the properties of %j', (text, isRefused) => {
    if (isRefused) expect(() => read(text)).toThrow(/properties follow the database/);
    else expect(read(text)).toMatchObject({ host: 'h' });
  });

  it.each([
    ['Server=h;Password={a}', 'a'],
    ['Server=h;Password={a;Database=d', '{a'],
    ['Server=h;Password={a;Database={d}', 'a;Database={d'],
    ['Server=h;Database={d;Password={a}x', '{a}x'],
    ['Server=h;Database={d;x=}y;Password={a}', 'a'],
  ])('braces in %s', (text, password) => {
    expect(read(text).password).toBe(password);
  });

  it('the space before a member that is added', () => {
    const gap = ' '.repeat(60_000);
    const text = `{"username":"u",${gap}/**/\n  "host":"h"}`;
    const written = readDocument(text).write({ password: 'p' });
    expect(written).toBe(`{"username":"u",${gap}/**/\n  "host":"h",\n  "password":"p"}`);
  });
});

it('a message names the first paths, cut where they are long', () => {
  expect(listPaths(['a', 'b'])).toBe('"a", "b"');
  const paths = Array.from({ length: 12 }, (_, index) => `p${index}`);
  expect(listPaths(paths)).toMatch(/^"p0", .*"p9" and 2 more$/);
  expect(listPaths(['x'.repeat(60_000)])).toBe(`"${'x'.repeat(200)}..."`);
});
