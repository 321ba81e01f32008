import { describe, expect, it } from 'vitest';
import { type FormName, generatePassword, readDocument } from '../../src/index.ts';
import { defaultPasswordPolicy } from '../../src/password.ts';
import { createRedactor } from '../../src/redact.ts';
import { examples } from './examples.ts';

describe('recognition', () => {
  it.each<[string, FormName]>([
    ['host=h user=u password=a;b=c dbname=d', 'libpq'],
    ['host=h;username=u;password=p', 'ado-net'],
    ["user=u password='Server=x;Database=y'", 'libpq'],
    ["Server=x;Password='host=a user=b dbname=c'", 'ado-net'],
    ['password=x', 'libpq'],
    ['Password=x', 'ado-net'],
    ['DSN=mine;UID=a;PWD=b', 'odbc'],
    ['  postgres://h/d\n', 'url'],
    ['JDBC:PostgreSQL://h/d', 'jdbc'],
    ['Server=x;Password="no end', 'ado-net'],
    ["host=x password='no end", 'libpq'],
    ['Password="no end', 'ado-net'],
    ["password='no end", 'libpq'],
    ['glpat-aBcD_1234567890-xyz', 'text'],
  ])('takes %j for %s, malformed or not', (text, form) => {
    try {
      expect(readDocument(text).form).toBe(form);
    } catch (error) {
      const title = { 'ado-net': 'ADO.NET', libpq: 'libpq' }[String(form)];
      expect(String(error)).toContain(`read as a${form === 'ado-net' ? 'n' : ''} ${title}`);
    }
  });

  it.each(['short', 'two words of a password', 'p@ss;word=1234567890', 'Server', '5', 'true', ' '])(
    'takes %j for nothing, unless plain text is named',
    (text) => {
      expect(() => readDocument(text)).toThrow(/keyturn:form/);
      expect(readDocument(text, { form: 'text' }).fields).toEqual({ password: text });
    },
  );
});

describe('mistakes', () => {
  it.each([
    ['Server=x;foo;Password=hunter2', 10, 'equals sign'],
    ['Server=x;Password="hunter2', 19, 'does not end'],
    ['Server=x;Password="hunter"2', 27, 'follows a quoted value'],
    ['Server=x;=hunter2', 10, 'no keyword'],
    ["host=x password='hunter2", 17, 'does not end'],
    ['host=x user=y hunter2', 15, 'equals sign'],
    ['postgres://u:hunter2#w@h/db', 12, 'percent-encoded'],
    ['postgres://u:hunter2%zz@h/db', 21, 'percent sign'],
    ['postgres://u:hunter2%ff@h/db', 21, 'percent sign'],
    ['postgres://u:hunter2@h:port/db', 22, 'host and port'],
    ['postgres://u:hun\nter2@h/db', 17, 'line break'],
    ['jdbc:oracle:thin:u/hunter2@h', 1, 'two slashes'],
    ['jdbc:sqlserver://h:1433/x;password=hunter2', 18, 'semicolon'],
    ['jdbc:sqlserver://h;password={hunter2', 29, 'does not end'],
    ['{"password":"hunter2"', 22, 'ends too early'],
    ['{"password":"hunter2"]', 22, 'closing brace'],
    ['{"password" "hunter2"}', 13, 'colon'],
    ['["hunter2"]', 1, 'no object'],
  ])('of %j are named with their position', (text, position, reason) => {
    const read = () => readDocument(text);
    expect(read).toThrow(new RegExp(`malformed at character ${position}: .*${reason}`));
    expect(read).not.toThrow(/hun/);
  });

  it('of values that no form can hold are named with the field', () => {
    for (const { text } of examples.filter(({ form }) => form !== 'json')) {
      for (const password of ['a\0b', '\ud800', { a: 1 }])
        expect(() => readDocument(text).write({ password })).toThrow(/"password" must be/);
    }
    expect(() => readDocument('postgres://a:b@h').write({ token: 'x' })).toThrow(/"token" has no place/);
    expect(() => readDocument('Server=x').write({ token: 'x' })).toThrow(/"token" has no keyword/);
  });
});

describe('writing', () => {
  it.each([
    ['Server=x;', 'Server=x;User Id=u;Password=p w;'],
    ['Server=x', 'Server=x;User Id=u;Password=p w'],
    ['Driver={x};Server=y', 'Driver={x};Server=y;UID=u;PWD={p w}'],
    ['postgres://h/d', 'postgres://u:p%20w@h/d'],
    ['postgres://:x@h/d', 'postgres://u:p%20w@h/d'],
    ['postgres://a@h/d', 'postgres://u:p%20w@h/d'],
    ['postgres://h/d?user=a#f', 'postgres://h/d?user=u&password=p%20w#f'],
    ['jdbc:postgresql://h/d', 'jdbc:postgresql://h/d?user=u&password=p%20w'],
    ['jdbc:sqlserver://h;encrypt=true;', 'jdbc:sqlserver://h;encrypt=true;user=u;password={p w};'],
    ['jdbc:sqlserver://h', 'jdbc:sqlserver://h;user=u;password={p w}'],
    ['host=h\n', "host=h user=u password='p w'\n"],
  ])('adds to %j what it lacks', (text, written) => {
    const quoted = text === 'Server=x' || text === 'Server=x;' ? written.replace('p w', '"p w"') : written;
    expect(readDocument(text).write({ username: 'u', password: 'p w' })).toBe(quoted);
  });

  it('keeps keywords that stand twice in step', () => {
    expect(readDocument('PWD=a;Server=h;Password=b').write({ password: 'c' })).toBe(
      'PWD=c;Server=h;Password=c',
    );
    expect(readDocument('postgres://u:a@h/?password=b').write({ password: 'c' })).toBe(
      'postgres://u:c@h/?password=c',
    );
    expect(readDocument('postgres://u:a@h/?password=b').fields.password).toBe('b');
  });
});

describe('passwords made for a document', () => {
  it.each(examples)('need neither quotes nor codes in $name', ({ text }) => {
    const document = readDocument(text);
    for (let run = 0; run < 50; run += 1) {
      const excludeCharacters = defaultPasswordPolicy.excludeCharacters + document.unsafeCharacters;
      const password = generatePassword({ ...defaultPasswordPolicy, excludeCharacters });
      expect(document.write({ password })).toContain(password);
    }
  });
});

describe('masking', () => {
  it.each(examples)(
    'knows the password of $name as it stands there, and leaves host and user readable',
    (example) => {
      const password = `pa"s's{w}o;r%d é\\ ${'x'.repeat(8)}`;
      const text = readDocument(example.text).write({ password });
      const redactor = createRedactor();
      redactor.learnDocument(readDocument(text, { form: example.form }));
      const shown = redactor.text(`it is ${text}, as app@db.example.com`);
      expect(shown).not.toMatch(/xxxxxxxx/);
      expect(shown).toContain('app@db.example.com');
    },
  );
});

describe('TLS and servers', () => {
  it.each([
    ['postgres://h/?sslmode=disable', false],
    ['postgres://h/?sslmode=require', true],
    ['postgres://h/?sslmode=verify-ca', true],
    ['postgres://h/?sslmode=prefer', undefined],
    ['postgres://h/', undefined],
    ['postgres://h/?ssl=true', true],
    ['host=h sslmode=verify-full', true],
    ['host=h sslmode=disable', false],
    ['mysql://h/?ssl-mode=REQUIRED', true],
    ['mongodb://h/?tls=false', false],
    ['redis://h', false],
    ['Server=h;Encrypt=yes', true],
    ['Server=h;Encrypt=Strict', true],
    ['Server=h;Encrypt=Optional', false],
    ['Server=h;Encrypt=perhaps', undefined],
    ['jdbc:sqlserver://h;encrypt=false', false],
    ['jdbc:postgresql://h/d?ssl=true', true],
  ])('%j means ssl %s', (text, ssl) => {
    expect(readDocument(text).fields.ssl).toBe(ssl);
  });

  it.each([
    ['Server=tcp:db,1433', 'db', '1433'],
    ['Data Source = db\\inst , 1444', 'db\\inst', '1444'],
    ['Address=.', 'localhost', undefined],
    ['Addr=(local)\\inst', 'localhost\\inst', undefined],
    ['Network Address=np:db', 'np:db', undefined],
    ['Server=fe80::1,1433', 'fe80::1', '1433'],
    ['jdbc:sqlserver://[::1]\\inst:1433', '::1\\inst', '1433'],
    ['jdbc:sqlserver://;serverName=db;instanceName=inst;portNumber=1', 'db\\inst', '1'],
    ['postgres://[::1]:5433/', '::1', '5433'],
    ['postgres://%2Ftmp/', '/tmp', undefined],
    ['host=a,b port=1,2', 'a,b', '1,2'],
  ])('%j is at %s, port %s', (text, host, port) => {
    const { fields } = readDocument(text);
    expect([fields.host, fields.port]).toEqual([host, port]);
  });

  it('leaves an engine that is only likely to the rotator that is named', () => {
    expect(readDocument('Server=h;Uid=a;Pwd=b').fields.engine).toBe('sqlserver');
    for (const text of ['Server=h;Uid=a;Pwd=b', '{"cs":"Server=h;Uid=a;Pwd=b"}'])
      expect(readDocument(text, { rotatorIsNamed: true }).fields.engine).toBeUndefined();
    // A scheme that only suggests an engine does so too.
    expect(readDocument('mysql://h', { rotatorIsNamed: true }).fields.engine).toBeUndefined();
    expect(readDocument('{"engine":"mysql"}', { rotatorIsNamed: true }).fields.engine).toBe('mysql');
    expect(readDocument('/* of\n billing */ // x\n {"a":1}').form).toBe('json');
  });
});
