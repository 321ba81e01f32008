import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteIdentifier, quoteLiteral } from '../../../rotators/postgres/quoting.ts';
import {
  giveSetting,
  type Setting,
  sameSetting,
  splitNames,
  takeSetting,
} from '../../../rotators/postgres/settings.ts';
import { asAdmin, createLogin, hostileTexts } from '../../support/postgres-fixtures.ts';

type Client = Parameters<Parameters<typeof asAdmin>[0]>[0];

async function settingsOf(client: Client, role: string): Promise<Setting[]> {
  const { rows } = await client.query<Setting>(
    `SELECT datname AS database, setting FROM pg_db_role_setting s CROSS JOIN unnest(setconfig) AS setting
       LEFT JOIN pg_database d ON d.oid = setdatabase JOIN pg_roles r ON r.oid = setrole WHERE rolname = $1 ORDER BY 1, 2`,
    [role],
  );
  return rows;
}

const names = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom(...hostileTexts, 'App', '$user', 'a,b', 'x y'),
  )
  .filter((name) => name.isWellFormed() && !name.includes('\0') && Buffer.byteLength(name) < 64);

describe('settings of a Postgres role', () => {
  it('are given to another role as they are, also those that are lists of names', async () => {
    const [one, other] = [await createLogin('one'), await createLogin(`it's "other"`)];
    const from = quoteIdentifier(one.username);
    await asAdmin(async (client) => {
      for (const statement of [
        'SET search_path = "$user", "App", \'a, "b"\', public',
        "SET temp_tablespaces = ''",
        "SET session_preload_libraries = 'passwordcheck', 'My Library'",
        "SET DateStyle = 'German, DMY'",
        "SET statement_timeout = '77s'",
        "SET TimeZone = 'Europe/Berlin'",
        `SET my.setting = ${quoteLiteral(hostileTexts.join())}`,
        "IN DATABASE postgres SET work_mem = '5MB'",
        "IN DATABASE postgres SET search_path = ''",
      ]) {
        const { where, rest } = /^(?<where>IN DATABASE \w+ )?(?<rest>.*)$/s.exec(statement)?.groups ?? {};
        await client.query(`ALTER ROLE ${from} ${where ?? ''}${rest}`);
      }
      const settings = await settingsOf(client, one.username);
      expect(settings).toHaveLength(9);
      for (const setting of settings) await client.query(giveSetting(other.username, setting));
      expect(await settingsOf(client, other.username)).toEqual(settings);
      for (const setting of settings) await client.query(takeSetting(other.username, setting));
      expect(await settingsOf(client, other.username)).toEqual([]);
    });
  });

  it('splits lists as the server does: those that it has written, and those that somebody has written by hand', async () => {
    const login = await createLogin();
    await asAdmin(async (client) => {
      await fc.assert(
        fc.asyncProperty(fc.array(names, { minLength: 1, maxLength: 4 }), async (list) => {
          await client.query(
            giveSetting(login.username, {
              database: null,
              setting: `search_path=${list.map((name) => `"${name.replaceAll('"', '""')}"`).join(',')}`,
            }),
          );
          const [stored] = await settingsOf(client, login.username);
          expect(splitNames(stored?.setting.slice('search_path='.length) ?? '', true)).toEqual(list);
        }),
        { numRuns: 60 },
      );
    });
    expect(splitNames(' App ,\t"App" , "a""b,c",$user', true)).toEqual(['app', 'App', 'a"b,c', '$user']);
    expect(splitNames('/usr/lib/My Lib', false)).toBeUndefined();
    expect(splitNames('', true)).toEqual([]);
    for (const broken of ['a,', ',a', 'a b', '"a', '"a"b', 'a,,b'])
      expect(splitNames(broken, true)).toBeUndefined();
  });

  it('tells settings apart by what they mean', () => {
    const setting = (text: string, database: string | null = null): Setting => ({ database, setting: text });
    expect(sameSetting(setting('search_path=a, b'), setting('search_path="a",b'))).toBe(true);
    expect(sameSetting(setting('search_path=a, b'), setting('search_path="a, b"'))).toBe(false);
    expect(sameSetting(setting('work_mem=a, b'), setting('work_mem=a,b'))).toBe(false);
    expect(sameSetting(setting('work_mem=1'), setting('work_mem=1', 'd'))).toBe(false);
  });
});
