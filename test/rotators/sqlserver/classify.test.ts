import { describe, expect, it } from 'vitest';
import { sqlServer } from '../../../rotators/sqlserver/index.ts';
import {
  explainLogin,
  isPasswordToChange,
  isRefusal,
  LoginFailure,
} from '../../../rotators/sqlserver/login-failure.ts';

const classify = (error: unknown) => sqlServer().classify?.(error, 'change');
const failure = (...numbers: number[]) =>
  new LoginFailure(
    numbers.map((number) => ({ number, message: 'Refused.' })),
    new Error('Login failed.'),
  );
const withNumber = (number: number) => Object.assign(new Error('No.'), { code: 'EREQUEST', number });
const lost = (code: string) =>
  Object.assign(new Error('Lost.', { cause: Object.assign(new Error(), { code }) }), { code: 'ESOCKET' });

describe('the errors of SQL Server', () => {
  it.each([
    ...[15114, 15115, 15116, 15117, 15118, 15119, 40632].map(
      (number) => [number, 'PasswordRejected'] as const,
    ),
    ...[229, 262, 300, 916, 3609, 4060, 4613, 15151, 15247, 15517, 17892, 18452, 40532].map(
      (number) => [number, 'PermissionDenied'] as const,
    ),
    ...[701, 983, 988, 1205, 1222, 4221, 10928, 17142, 18401, 18461, 40197, 40501, 40613, 49918].map(
      (number) => [number, 'TargetBusy'] as const,
    ),
    ...[40615, 40914, 47073].map((number) => [number, 'TargetUnreachable'] as const),
    ...[976, 978, 3906].map((number) => [number, 'TargetReadOnly'] as const),
    ...[102, 156, 208, 547, 8152].map((number) => [number, undefined] as const),
  ])('takes %d for %s', (number, code) => {
    expect(classify(withNumber(number))).toBe(code);
    expect(classify(new AggregateError([new Error('first'), withNumber(number)]))).toBe(code);
  });

  it.each([
    ['ECONNREFUSED', 'TargetUnreachable'],
    ['ENOTFOUND', 'TargetUnreachable'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'CertificateRejected'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'CertificateRejected'],
    ['ERR_KEYTURN_TLS_UNAVAILABLE', 'TlsUnavailable'],
  ])('takes a connection that ends by %s for %s', (code, expected) => {
    expect(classify(lost(code))).toBe(expected);
  });

  it.each(['ETIMEOUT', 'EINSTLOOKUP', 'ECLOSE', 'ESOCKET'])('takes %s for an unreachable server', (code) => {
    expect(classify(Object.assign(new Error('No.'), { code }))).toBe('TargetUnreachable');
  });

  it('takes 18456 alone for a refusal', () => {
    expect(isRefusal(failure(18456))).toBe(true);
    for (const numbers of [[4060, 18456], [18470], [18486], [18487], [18488], [18452]])
      expect(isRefusal(failure(...numbers))).toBe(false);
    expect(isRefusal(withNumber(18456))).toBe(false);
  });

  it.each([
    [[18470], /disabled.*ENABLE/s],
    [[18452], /Windows accounts only/],
    [[17892, 18456], /logon trigger/],
    [[18486], /locked out.*UNLOCK/s],
    [[15113], /locked out/],
    [[18487], /expired.*admin/s],
    [[18488], /must be changed.*admin/s],
    [[4060, 18456], /can not be opened.*"dbname"/s],
  ])('explains a login that failed with %j', (numbers, message) => {
    const explained = explainLogin(failure(...numbers), 'app');
    expect(explained?.code).toBe('PermissionDenied');
    expect(explained?.message).toMatch(message);
  });

  it('knows a password that is right but must be changed', () => {
    expect([18487, 18488, 18456, 18470].map((number) => isPasswordToChange(failure(number)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(explainLogin(new Error('else'), 'app')).toBeUndefined();
  });
});
