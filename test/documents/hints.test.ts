import { describe, expect, it } from 'vitest';
import { parseFieldNames, parseFormName, readHints } from '../../src/documents/hints.ts';
import { defaultConfiguration, readConfiguration, readDocument } from '../../src/index.ts';

const none = new Map<string, string>();

describe('hints', () => {
  it('come from the tags, else from the configuration', () => {
    const configuration = readConfiguration({ KEYTURN_FORM: 'URL', KEYTURN_FIELDS: 'username=login' });
    expect(readHints(none, configuration)).toEqual({
      form: 'url',
      fieldNames: new Map([['username', 'login']]),
      masterarn: undefined,
    });
    const tags = new Map([
      ['keyturn:form', 'text'],
      ['keyturn:fields', ' password=db.pass  username=user name '],
      ['keyturn:admin', 'arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf'],
    ]);
    expect(readHints(tags, configuration)).toEqual({
      form: 'text',
      fieldNames: new Map([
        ['password', 'db.pass'],
        ['username', 'user name'],
      ]),
      masterarn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf',
    });
    expect(readHints(none, defaultConfiguration)).toEqual({ form: undefined, fieldNames: none });
  });

  it('name the tag or variable that is wrong, and the forms there are', () => {
    expect(() => readConfiguration({ KEYTURN_FORM: 'xml' })).toThrow(
      /^KEYTURN_FORM .*json, env, ado-net, odbc, url/,
    );
    expect(() => readHints(new Map([['keyturn:form', 'xml']]), {})).toThrow(/^The tag keyturn:form/);
    for (const text of ['username', 'username=', '=login', 'a b', 'user.name=login']) {
      expect(() => parseFieldNames(text, 'KEYTURN_FIELDS')).toThrow(/^KEYTURN_FIELDS .*username=login/);
    }
    expect(parseFieldNames('', 'x')).toEqual(none);
    expect(parseFormName(' ', 'x')).toBeUndefined();
  });

  it('give a document its admin secret, unless it names one', () => {
    const hints = { masterarn: 'arn:tag' };
    expect(readDocument('postgres://a:b@h', hints).fields.masterarn).toBe('arn:tag');
    expect(readDocument('{"masterarn":"arn:own"}', hints).fields.masterarn).toBe('arn:own');
    expect(readDocument('{"username":"a","password":"b"}').fields).toEqual({ username: 'a', password: 'b' });
  });
});
