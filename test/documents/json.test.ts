import { describe, expect, it } from 'vitest';
import { parseFieldNames } from '../../src/documents/hints.ts';
import { readDocument } from '../../src/index.ts';

const named = (names: string) => ({ fieldNames: parseFieldNames(names, 'KEYTURN_FIELDS') });

describe('JSON with other names for its fields', () => {
  it('reads and writes at the name, at a path, and at a name with a dot or a colon in it', () => {
    const text = '{"login":"app","db":{"pass" : "old","h":"db.example.com"},"a.b":1,"Db:Name":"shop"}';
    const document = readDocument(
      text,
      named('username=login password=db.pass host=db.h port=a.b dbname=Db:Name engine=none'),
    );
    expect(document.fields).toEqual({
      username: 'app',
      password: 'old',
      host: 'db.example.com',
      port: 1,
      dbname: 'shop',
    });
    expect(document.write({ username: 'app_clone', password: 'a"b' })).toBe(
      '{"login":"app_clone","db":{"pass" : "a\\"b","h":"db.example.com"},"a.b":1,"Db:Name":"shop"}',
    );
  });

  it('falls back to the usual name where the other is not there', () => {
    expect(readDocument('{"password":"x"}', named('password=pass')).fields).toEqual({ password: 'x' });
  });

  it('does not take a shadowed name for the field, and masks it all the same', () => {
    const document = readDocument('{"password":"not-this-one","pass":"this"}', named('password=pass'));
    expect(document.fields).toEqual({ password: 'this' });
    expect(document.sensitive).toContain('not-this-one');
    expect(document.write({ password: 'new' })).toBe('{"password":"not-this-one","pass":"new"}');
  });
});

describe('writing JSON', () => {
  it('adds a field that is missing, spaced as the others', () => {
    expect(readDocument('{}').write({ a: 1, b: 'x' })).toBe('{"a":1,"b":"x"}');
    expect(readDocument('{\n  "host" : "h"\n}\n').write({ username: 'u', password: 'p' })).toBe(
      '{\n  "host" : "h",\n  "username" : "u",\n  "password" : "p"\n}\n',
    );
    expect(
      readDocument('{"db":{"h":"x"}}', named('password=db.pass host=db.h')).write({ password: 'p' }),
    ).toBe('{"db":{"h":"x","pass":"p"}}');
  });

  it('writes a name that stands twice twice, whichever of them a reader takes', () => {
    const document = readDocument('{"password":"dead","password":"live","n":1.0}');
    expect(document.fields.password).toBe('live');
    expect(document.write({ password: 'new' })).toBe('{"password":"new","password":"new","n":1.0}');
  });

  it('refuses nesting that is meant to exhaust the stack', () => {
    expect(() => readDocument('{"a":'.repeat(20_000))).toThrow(/nested too deeply/);
  });
});

describe('a connection string in JSON', () => {
  it('is kept in step with the fields beside it, also when it was not before', () => {
    const text =
      '{"username":"a","password":"live","host":"h","cs":"Server=H;User Id=a;Password=stale;App=x"}';
    expect(readDocument(text).write({ username: 'b', password: 'p;w' })).toBe(
      '{"username":"b","password":"p;w","host":"h","cs":"Server=H;User Id=b;Password=\\"p;w\\";App=x"}',
    );
  });

  it('says where the server is when it has no credential, and stays so', () => {
    const text =
      '{"username":"a","password":"b","url":"jdbc:postgresql://h:5433/d","other":"postgres://a@h/d"}';
    const document = readDocument(text);
    expect(document.fields).toMatchObject({ engine: 'postgres', host: 'h', port: '5433', dbname: 'd' });
    expect(document.write({ password: 'new' })).toBe(text.replace('"b"', '"new"'));
  });

  it('is left alone when it is for another account, or of something else', () => {
    const text =
      '{"engine":"aurora-postgresql","username":"a","password":"b-12345678","host":"h","cache":"redis://a:c@h","reader":"postgres://r:x@h/d","docs":"https://a:d@h/","note":"a=b;Server=q"}';
    const document = readDocument(text);
    expect(document.fields.engine).toBe('aurora-postgresql');
    expect(document.write({ password: 'new' })).toBe(text.replace('"b-12345678"', '"new"'));
  });

  it('is written on other hosts too, where user and password are the same', () => {
    const text = '{"username":"a","password":"b","host":"h","away":"postgres://a:b@z/d"}';
    expect(readDocument(text).write({ password: 'new' })).toBe(
      '{"username":"a","password":"new","host":"h","away":"postgres://a:new@z/d"}',
    );
  });

  it('must be named where there are several for different accounts', () => {
    const text =
      '{"cs":{"Main":"Server=h;UID=a;PWD=b","Cache":"redis://:x@r","Copy":"Server=h;UID=a;PWD=b"}}';
    expect(() => readDocument(text)).toThrow(/"cs.Main", "cs.Cache".*keyturn:fields/);
    expect(readDocument(text, named('connection=cs.Main')).write({ password: 'new' })).toBe(
      text.replaceAll('PWD=b', 'PWD=new'),
    );
    expect(readDocument(text, named('connection=cs.Cache')).fields).toMatchObject({ engine: 'redis' });
  });

  it('gets the credential it lacks where it is named and the JSON has none', () => {
    expect(
      readDocument('{"cs":"Server=h;"}', named('connection=cs')).write({ password: 'x', username: 'u' }),
    ).toBe('{"cs":"Server=h;Password=x;User Id=u;"}'.replace('Server=h;', 'Server=h;').replace(';u', ';u'));
  });

  it('is an error if the tag names a field that holds none', () => {
    for (const value of ['"hunter2"', '7', '"postgres://u:hunter2#w@h"']) {
      const read = () => readDocument(`{"cs":${value}}`, named('connection=cs'));
      expect(read).toThrow(/"connection" names is no connection string/);
      expect(read).not.toThrow(/hunter2/);
    }
  });
});
