import { describe, expect, it } from 'vitest';
import { readDocument } from '../../src/index.ts';

describe('a login that is not by user and password', () => {
  it.each([
    ['Server=db;User Id=a;Password=b;Trusted_Connection=yes', 'Trusted_Connection'],
    ['Server=db;User Id=a;Password=b;Integrated Security=SSPI', 'Integrated Security'],
    ['Server=db;User Id=a;Password=b;Authentication=Active Directory Password', 'Authentication'],
    [
      'Driver={ODBC Driver 18 for SQL Server};Server=db;UID=a;PWD=b;Authentication=ActiveDirectoryPassword',
      'Authentication',
    ],
    [
      'Driver={ODBC Driver 18 for SQL Server};Server=db;UID=a;PWD=b;Trusted_Connection=Yes',
      'Trusted_Connection',
    ],
    ['jdbc:sqlserver://db;user=a;password=b;integratedSecurity=true', 'integratedSecurity'],
    ['jdbc:sqlserver://db;user=a;password=b;authenticationScheme=NTLM', 'authenticationScheme'],
    ['jdbc:jtds:sqlserver://db/shop;user=a;password=b;domain=CORP', 'domain'],
    ['mssql+pyodbc://a:b@db/shop?driver=x&Trusted_Connection=yes', 'Trusted_Connection'],
    ['sqlserver://a:b@db?fedauth=ActiveDirectoryPassword', 'fedauth'],
    ['jdbc:aws-wrapper:postgresql://db/shop?user=a&password=b&wrapperPlugins=iam', 'wrapperPlugins'],
    ['{"cs":"Server=db;User Id=a;Password=b;Trusted_Connection=yes"}', 'Trusted_Connection'],
    ['jdbc:redshift:iam://db/shop?user=a&password=b', 'scheme:iam'],
    ['{"server":"db","user":"a","password":"b","options":{"trustedConnection":true}}', 'trustedConnection'],
    [
      '{"server":"db","authentication":{"type":"azure-active-directory-password","options":{"userName":"a","password":"b"}}}',
      'authentication',
    ],
    ['{"username":"a","password":"b","Trusted_Connection":"yes"}', 'Trusted_Connection'],
    ['DB_URL="Server=db;User Id=a;Password=b;Trusted_Connection=yes"\nX=y', 'Trusted_Connection'],
  ])('is refused by name: %s', (text, name) => {
    const { refusal } = readDocument(text);
    expect(refusal).toMatchObject({ code: 'InvalidSecretField' });
    expect(refusal?.message).toContain(
      `"${name}" asks for a login that is not by`.replace(
        '"domain" asks for a login that is not by',
        '"domain" makes jTDS log in',
      ),
    );
  });

  it.each([
    '{"server":"db","authentication":{"type":"default","options":{"userName":"a","password":"b"}}}',
    '{"username":"a","password":"b","authentication":"SCRAM-SHA-256"}',
    'Server=db;User Id=a;Password=b;Trusted_Connection=no',
    'Server=db;User Id=a;Password=b;Integrated Security=False',
    'Server=db;User Id=a;Password=b;Authentication=Sql Password',
    'Server=db;User Id=a;Password=b;Trusted_Connection=yes;Trusted_Connection=no',
    'jdbc:sqlserver://db;user=a;password=b;authenticationScheme=nativeAuthentication',
    'jdbc:aws-wrapper:postgresql://db/shop?user=a&password=b&wrapperPlugins=failover',
  ])('is not meant by %s', (text) => {
    expect(readDocument(text).refusal).toBeUndefined();
  });
});

describe('duplicates', () => {
  it.each([
    [
      'ODBC takes the first',
      'Driver={ODBC Driver 18 for SQL Server};Server=one;Server=two;UID=a;UID=b;PWD=c;PWD=d',
      { host: 'one', username: 'a', password: 'c' },
    ],
    [
      'ADO.NET takes the last',
      'Server=one;Data Source=two;UID=a;User Id=b;PWD=c;Password=d',
      { host: 'two', username: 'b', password: 'd' },
    ],
    [
      'JDBC takes the last',
      'jdbc:sqlserver://one;user=a;userName=b;password=c;password=d',
      { host: 'one', username: 'b', password: 'd' },
    ],
    [
      'libpq takes the last',
      'host=one host=two user=a user=b password=c password=d',
      { host: 'two', username: 'b', password: 'd' },
    ],
  ])('%s', (_form, text, fields) => {
    expect(readDocument(text).fields).toMatchObject(fields);
  });
});

describe('duplicates where the driver decides', () => {
  it('FreeTDS takes the last', () => {
    const text = 'Driver=FreeTDS;Server=one;Server=two;UID=a;UID=b;PWD=c;PWD=d';
    expect(readDocument(text).fields).toMatchObject({ host: 'two', username: 'b', password: 'd' });
  });

  it('a DSN leaves it open, which is refused', () => {
    expect(readDocument('DSN=x;UID=a;UID=b;PWD=c').refusal?.message).toContain('"UID" twice');
    expect(readDocument('DSN=x;UID=a;UID=a;PWD=c').refusal).toBeUndefined();
  });
});

describe('keywords of another form', () => {
  it.each([
    ['Driver=FreeTDS;Server=db;User Id=a;Password=b', 'User Id', 'UID'],
    ['Driver={ODBC Driver 18 for SQL Server};Server=db;UID=a;Password=b', 'Password', 'PWD'],
    ['jdbc:sqlserver://db;user=a;pwd=b', 'pwd', 'password'],
    ['jdbc:sqlserver://db;uid=a;password=b', 'uid', 'user'],
    ['jdbc:jtds:sqlserver://db;uid=a;password=b', 'uid', 'user'],
  ])('mean nothing, and that is said: %s', (text, foreign, wanted) => {
    expect(readDocument(text).refusal?.message).toMatch(
      new RegExp(`"${foreign}" means nothing.* Name it ${wanted}`),
    );
  });

  it('are read where the driver knows them', () => {
    const { fields, refusal } = readDocument('Driver={PostgreSQL Unicode};Server=db;Username=a;Password=b');
    expect(fields).toMatchObject({ username: 'a', password: 'b' });
    expect(refusal).toBeUndefined();
  });

  it('are written too where they hold a copy', () => {
    expect(
      readDocument('Driver=FreeTDS;Server=db;UID=a;PWD=old-password-1;Password=old-password-1').write({
        password: 'new-password-2',
      }),
    ).toBe('Driver=FreeTDS;Server=db;UID=a;PWD=new-password-2;Password=new-password-2');
  });
});

describe('what readers of one form take in different ways', () => {
  it.each([
    'Server=db;User Id=a;Password={x}',
    'Server={db};User Id=a;Password=x',
    '{"cs":"Server=db;User Id=a;Password={x}"}',
    'DB_USER=a\nDB_PASSWORD=ab#cd\n',
    'DB_USER=a\nDB_PASSWORD="a$b"\n',
    'DB_USER=a\nDB_PASSWORD="a\\nb"\n',
    'jdbc:postgresql://a:b@db/shop',
    'jdbc:mariadb://a:b@db/shop',
    'postgres://db/shop?user=a&password=b+c',
    '[shop]\nuser=a\npassword="b"\n',
    '[shop]\nuser=a\npassword=b # c\n',
    'DATABASE_URL=postgres://app:${DB_PASSWORD}@db/shop\nX=y\n',
    '{"username":"a","password":"${DB_PASSWORD:-x}"}',
    'postgres://app:${DB_PASSWORD}@db/shop',
    '{"kind":"Secret","data":{"username":"YQ==","password":"Yg=="}}',
  ])('is refused: %s', (text) => {
    const { refusal } = readDocument(text);
    expect(refusal).toMatchObject({ code: 'InvalidSecretField' });
  });

  it.each([
    'Server=db;User Id=a;Password=x;Application Name={y}',
    'Driver={ODBC Driver 18 for SQL Server};Server=db;UID=a;PWD={x}',
    "DB_USER=a\nDB_PASSWORD='ab#cd$e'\n",
    'DB_USER=a\nDB_PASSWORD=abcd # a comment\n',
    'jdbc:mysql://a:b@db/shop',
    'postgres://a:b+c@db/shop',
    'mysql://db/shop?user=a&password=b+c',
    'postgres://a:$ecret@db/shop',
    '{"kind":"Secret","stringData":{"username":"a","password":"b"}}',
  ])('is not seen in %s', (text) => {
    expect(readDocument(text).refusal).toBeUndefined();
  });

  it('is the space around a value, which belongs to it in ODBC', () => {
    expect(readDocument('Driver=FreeTDS;Server=db;UID=a;PWD= x ;App=y').fields.password).toBe(' x ');
    expect(readDocument('Driver=FreeTDS;Server=db;UID=a;PWD=x\n').fields.password).toBe('x');
    expect(readDocument('Server=db;UID=a;PWD= x ;App=y').fields.password).toBe('x');
    expect(readDocument('odbc:server=db;user id=a;password= x ;').fields.password).toBe('x');
  });
});

describe('fields that contradict each other', () => {
  it.each([
    [{ ssl: false, sslmode: 'verify-full' }, 'ssl'],
    [{ ssl: true, sslMode: 'disable' }, 'ssl'],
  ])('are refused: %j', (value, field) => {
    expect(readDocument(JSON.stringify(value)).refusal).toMatchObject({ code: 'InvalidSecretField', field });
  });

  it('stay as they are where they can not be meant in one way', () => {
    expect(readDocument('{"host":"db:5432","port":5433}').fields).toEqual({ host: 'db:5432', port: 5433 });
    expect(readDocument('{"ssl":"perhaps","host":"a,b"}').fields).toEqual({ ssl: 'perhaps', host: 'a,b' });
    expect(readDocument('{"engine":"oracle-lite"}').fields.engine).toBe('oracle-lite');
  });

  it.each([
    ['require', true],
    ['verify-full', true],
    ['disable', false],
    ['yes', true],
    ['prefer', undefined],
    ['', undefined],
    [1, true],
    [{ ca: 'x' }, true],
  ])('ssl %j is meant as %j', (ssl, meant) => {
    expect(readDocument(JSON.stringify({ ssl })).fields.ssl).toBe(meant);
  });
});

describe('a string with escapes of XML', () => {
  it.each([
    'provider=System.Data.SqlClient;provider connection string=&quot;server=db;user id=a;password=b&quot;',
    'Server=db;User Id=a;Password=b&amp;c',
  ])('is refused before its semicolons cut a value: %s', (text) => {
    expect(() => readDocument(text)).toThrow(/an escape of XML|keyword has no equals sign/);
  });
});

describe('a value with line breaks', () => {
  it.each([
    'first line\nsecond line',
    'abcdefghijklmnopqrstuv\nabcdefghijklmnopqrstuv',
    '-----BEGIN KEY-----\nAAECAw==\n-----END KEY-----',
  ])('is never taken for a password by itself: %j', (text) => {
    expect(() => readDocument(text)).toThrow(/keyturn:form/);
  });
});
