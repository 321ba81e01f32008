import { describe, expect, it } from 'vitest';
import { parseFieldNames } from '../../src/documents/hints.ts';
import { isKeyturnError, readDocument } from '../../src/index.ts';

const old = 'Kq7-mT2.vR9_xW4';
const next = 'N3w-password.of_16';
const json = (value: unknown): string => JSON.stringify(value).replaceAll('OLD', old);
const login = { engine: 'postgres', host: 'db', username: 'app', password: 'OLD' };

/** The error of a write, which names no value. */
function refusalOf(text: string, leave?: readonly string[]): string | undefined {
  try {
    readDocument(text, leave === undefined ? {} : { leave }).write({ password: next });
    return undefined;
  } catch (error) {
    expect(isKeyturnError(error, 'CredentialCopied')).toBe(true);
    expect(String(error)).not.toContain(old);
    expect(String(error)).not.toContain(next);
    return String(error);
  }
}

describe('a dead copy of the password', () => {
  it.each([
    ['another account’s URL', { ...login, admin: 'postgres://root:OLD@db/shop' }, '"admin"'],
    ['a URL of another engine', { ...login, cache: 'redis://app:OLD@cache' }, '"cache"'],
    ['a URL of a web page', { ...login, docs: 'https://app:OLD@db/' }, '"docs"'],
    ['an encoded one', { ...login, hook: 'https://x/?t=Kq7%2DmT2%2EvR9_xW4' }, '"hook.t"'],
    [
      'a basic authorization',
      { ...login, auth: `Basic ${Buffer.from(`app:${old}`).toString('base64')}` },
      '"auth"',
    ],
    ['its bytes', { ...login, bytes: Buffer.from(old).toString('hex') }, '"bytes"'],
    [
      'its bytes in capitals',
      { ...login, bytes: `0x${Buffer.from(old).toString('hex').toUpperCase()}` },
      '"bytes"',
    ],
    [
      'its bytes with colons',
      {
        ...login,
        bytes: Buffer.from(old)
          .toString('hex')
          .replace(/..(?=.)/g, '$&:'),
      },
      '"bytes"',
    ],
    [
      'the middle of Base64 in lines',
      {
        ...login,
        file: Buffer.from(`${'x'.repeat(49)}${old}${'y'.repeat(40)}`)
          .toString('base64')
          .replace(/.{76}/g, '$&\n'),
      },
      '"file"',
    ],
    [
      'the Base64 of a path',
      { ...login, link: `https://x/hooks/${Buffer.from(`a?>${old}`).toString('base64url')}/new` },
      '"link"',
    ],
    [
      'a command for PowerShell',
      { ...login, run: Buffer.from(`x ${old}`, 'utf16le').toString('base64') },
      '"run"',
    ],
    [
      'text for a web page',
      { ...login, page: `x${[...old].map((c) => `&#x${c.charCodeAt(0).toString(16)};`).join('')}` },
      '"page"',
    ],
    [
      'text with names of HTML',
      { ...login, page: old.replaceAll('.', '&period;').replaceAll('_', '&lowbar;') },
      '"page"',
    ],
    ['a line of .pgpass', { ...login, pgpass: 'db:5432:shop:app:OLD' }, '"pgpass"'],
    ['a comment of a file', { ...login, file: 'A=b\n# DB_PASSWORD=OLD\nDB_USER=app\n' }, '"file"'],
    [
      'a line of a file that is read in different ways',
      { ...login, file: 'A=b#c\nDB_PASSWORD=OLD\n' },
      '"file"',
    ],
    ['the name of a field', { ...login, seen: { OLD: true } }, '"seen.(a name)"'],
    ['another user’s settings', { ...login, ADMIN_USER: 'root', ADMIN_PASSWORD: 'OLD' }, '"ADMIN_PASSWORD"'],
    ['the root of an image', { ...login, MYSQL_ROOT_PASSWORD: 'OLD' }, '"MYSQL_ROOT_PASSWORD"'],
    ['a list', { ...login, history: ['x', 'OLD'] }, '"history.1"'],
    ['a list of objects', { ...login, history: [{ password: 'OLD' }] }, '"history.0.password"'],
    ['a command', { ...login, check: { command: 'PGPASSWORD=OLD psql -h db' } }, '"check.command"'],
    ['XML', { ...login, config: '<add connectionString="x" password="OLD"/>' }, '"config"'],
    ['a parameter', { url: 'postgres://app:OLD@db/shop?options=OLD' }, '"url.options"'],
  ])('in %s is an error with its place before anything is stored', (_what, value, place) => {
    const text = json(value);
    expect(refusalOf(text)).toContain(`also in ${place}`);
    const path = place.replaceAll('"', '');
    const written = readDocument(text, { leave: [path] }).write({ password: next });
    expect(written).toContain(next);
    // A copy that was left alone is left alone the next time too.
    expect(readDocument(written, { leave: [path] }).write({ password: 'again-0123456789' })).toContain(
      'again-0123456789',
    );
  });

  it('in a comment is one too', () => {
    const text = `{ /* was ${old} */ "username": "app", "password": "${old}" }`;
    expect(refusalOf(text)).toContain('also in a comment');
    expect(refusalOf(text, ['comments'])).toBeUndefined();
    const lines = `# DB_PASSWORD=${old}\nDB_USER=app\nDB_PASSWORD=${old}\n`;
    expect(refusalOf(lines)).toContain('also in a comment');
  });

  it('that is short is seen in a line of .pgpass', () => {
    const text = JSON.stringify({ ...login, password: 'secret', pgpass: 'db:5432:*:app:secret\n' });
    expect(refusalOf(text)).toContain('"pgpass"');
    expect(
      refusalOf(JSON.stringify({ ...login, password: 'secret', note: 'host db secret' })),
    ).toBeUndefined();
  });

  it('in the name of a field is not quoted by the error', () => {
    const text = JSON.stringify({ ...login, password: old, [old]: { note: old } });
    expect(refusalOf(text)).toContain('"....note"');
  });

  it('in a connection string is one too', () => {
    expect(refusalOf(`Server=db;User Id=app;Password=${old};Application Name=${old}`)).toContain(
      '"Application Name"',
    );
    expect(refusalOf(`host=db user=app password=${old} options=${old}`)).toContain('"options"');
    expect(refusalOf(`postgres://app:${old}@db/shop?x=${old}`)).toContain('"x"');
  });

  it('is not seen in a word that stands somewhere by chance, unless as a credential', () => {
    const value = {
      username: 'postgres',
      password: 'postgres',
      engine: 'postgres',
      dbname: 'postgres',
      note: 'our postgres',
    };
    expect(JSON.parse(readDocument(JSON.stringify(value)).write({ password: next }))).toEqual({
      ...value,
      password: next,
    });
    expect(readDocument('postgres://postgres:postgres@localhost/postgres').write({ password: next })).toBe(
      `postgres://postgres:${next}@localhost/postgres`,
    );
    expect(refusalOf(JSON.stringify({ ...value, adminUrl: 'postgres://root:postgres@db' }))).toContain(
      '"adminUrl"',
    );
  });

  it('of a token is one too', () => {
    const text = JSON.stringify({ token: old, header: `Bearer ${old}` });
    expect(() => readDocument(text).write({ token: next })).toThrow(/also in "header"/);
    expect(readDocument(text, { leave: ['header'] }).write({ token: next })).toContain(`"token":"${next}"`);
  });

  it('is left, and not written, where the tag says so, although the account is the same', () => {
    const text = json({ url: 'postgres://app:OLD@db/shop', archive: 'postgres://app:OLD@archive/shop' });
    const written = readDocument(text, { leave: ['archive'] }).write({ password: next });
    expect(JSON.parse(written)).toEqual({
      url: `postgres://app:${next}@db/shop`,
      archive: `postgres://app:${old}@archive/shop`,
    });
  });
});

describe('which account is meant', () => {
  it('is an error where several may be, and the tag says it', () => {
    const text = json({ one: 'postgres://app:OLD@db/shop', two: 'mysql://other:else-12345@db2/shop' });
    expect(() => readDocument(text)).toThrow(/different accounts, in the fields "one", "two"/);
    const named = readDocument(text, { fieldNames: parseFieldNames('connection=two', 'x') });
    expect(named.fields).toMatchObject({ engine: 'mysql', username: 'other' });
    expect(named.write({ password: next })).toBe(text.replace('else-12345', next));
  });

  it('is said by a rotator that is named, where they are at servers of different kinds', () => {
    const text = json({ DATABASE_URL: 'postgres://app:OLD@db/shop', REDIS_URL: 'redis://:else-12345@cache' });
    expect(() => readDocument(text)).toThrow(/different accounts/);
    const document = readDocument(text, { rotatorIsNamed: true, engines: ['postgres', 'aurora-postgresql'] });
    expect(document.fields).toMatchObject({ host: 'db', username: 'app', password: old });
    expect(document.write({ password: next })).toBe(text.replace(old, next));
    const lines = `DB_CONNECTION=pgsql\nDB_HOST=db\nDB_USERNAME=app\nDB_PASSWORD=${old}\nREDIS_HOST=cache\nREDIS_PASSWORD=else-12345\n`;
    expect(readDocument(lines).fields.password).toBeUndefined();
    expect(readDocument(lines, { engines: ['postgres'] }).fields).toMatchObject({
      host: 'db',
      password: old,
    });
    expect(readDocument(lines, { engines: ['redis'] }).fields).toMatchObject({
      host: 'cache',
      password: 'else-12345',
    });
  });

  it('never mixes the user of one with the password of another', () => {
    const text = json({ username: 'x', url: 'postgres://app:OLD@db/shop' });
    expect(() => readDocument(text)).toThrow(/different accounts/);
    const lines = `DB_USER=app\nDB_PASSWORD=one-password-1\nAPI_USER=robot\nAPI_PASSWORD=two-password-2\n`;
    expect(readDocument(lines).fields).toMatchObject({ username: 'app', password: 'one-password-1' });
  });

  it('is one login where a name says master or admin of it', () => {
    const text = json({
      replication: {
        read: [{ host: 'db-ro', username: 'app', password: 'OLD' }],
        master: { host: 'db', username: 'app', password: 'OLD' },
      },
    });
    expect(readDocument(text).fields).toMatchObject({ host: 'db', username: 'app' });
    expect(readDocument(text).write({ password: next })).toBe(text.replaceAll(old, next));
    const former = json({
      DB_USER: 'app',
      DB_PASSWORD: 'OLD',
      PREVIOUS_DB_USER: 'app',
      PREVIOUS_DB_PASSWORD: 'OLD',
    });
    expect(refusalOf(former)).toContain('"PREVIOUS_DB_PASSWORD"');
  });

  it('is left open by settings that say nothing of a database', () => {
    const { fields } = readDocument(
      JSON.stringify({ clientPassword: 'a-password-1', serverPassword: 'b-password-2', token: 'x' }),
    );
    expect(fields.password).toBeUndefined();
  });
});
