import { describe, expect, it } from 'vitest';
import { previewValue } from '../../src/create/value-preview.ts';

describe('the words for a secret while it is typed', () => {
  it.each([
    ['{"username":"app","host":"db"}', 'it reads as JSON for app at db'],
    ['DB_USER=app\nDB_PASSWORD=geheim', 'it reads as KEY=value lines for app'],
    [
      'Server=db,1433;User ID=app;Password=geheim',
      'it reads as an ADO.NET connection string for app at db:1433',
    ],
    [
      'Driver={ODBC Driver 18 for SQL Server};Server=db;UID=app;PWD=geheim',
      'it reads as an ODBC connection string for app at db',
    ],
    ['postgres://app:geheim@db:5432/shop', 'it reads as a URL for app at db:5432/shop'],
    [
      'host=db user=app password=geheim dbname=shop',
      'it reads as a libpq connection string for app at db/shop',
    ],
    ['jdbc:postgresql://db/shop?user=app&password=geheim', 'it reads as a JDBC URL for app at db/shop'],
    [
      'cache:6380,password=geheim,user=app,ssl=True',
      'it reads as a configuration of StackExchange.Redis for app at cache:6380',
    ],
    ['sk_live_51Hq8geheim', 'it reads as a token'],
    ['correct horse', 'it is plain text'],
  ])('%s: %s', (text, words) => {
    expect(previewValue(text, undefined)).toEqual({ ok: true, words });
  });
});
