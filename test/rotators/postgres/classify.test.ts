import { describe, expect, it } from 'vitest';
import { classify, isLoginRefused } from '../../../rotators/postgres/classify.ts';

const error = (code: string, message: string): Error => Object.assign(new Error(message), { code });
const user = 'app (+) "x"';

describe('what an answer to a login means', () => {
  it.each([
    ['28P01', 'password authentication failed for user "app"'],
    ['28P01', 'Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen'],
    ['08P01', 'SASL authentication failed'],
    ['08P01', 'password authentication failed'],
    ['28000', 'SASL authentication failed'],
    ['08P01', `server login failed: FATAL password authentication failed for user "${user}"`],
    [
      '08P01',
      `server login has been failing, cached error: password authentication failed for user "${user}"`,
    ],
    // RDS Proxy can't be had; the words are its documentation's.
    ['28P01', `The password that was provided for the role ${user} is wrong.`],
    ['XX000', `The password that was provided for the role ${user} is wrong.`],
  ])('%s, %s: the password is refused', (code, message) => {
    expect(isLoginRefused(error(code, message), user)).toBe(true);
  });

  it.each([
    ['28000', 'no pg_hba.conf entry for host "1.2.3.4"', undefined],
    ['28000', 'role "app" is not permitted to log in', undefined],
    [
      '08P01',
      'server login failed: FATAL password authentication failed for user "pooler"',
      'TargetUnreachable',
    ],
    ['08P01', 'server login has been failing, try again later (server_login_retry)', 'TargetUnreachable'],
    ['08P01', 'pgbouncer cannot connect to server', 'TargetUnreachable'],
    ['08P01', 'client_login_timeout (server down)', 'TargetUnreachable'],
    ['08P01', 'server login failed: wrong password type', undefined],
    ['08P01', 'no such user: x_clone', 'AccountMissing'],
    ['08P01', 'no such database: shop', undefined],
    ['08P01', 'no more connections allowed (max_client_conn)', 'TargetBusy'],
    ['08P01', 'query_wait_timeout', 'TargetUnreachable'],
    ['08P01', 'server login failed: FATAL sorry, too many clients already', 'TargetBusy'],
    ['08P01', 'server login failed: FATAL too many connections for role "app"', 'TargetBusy'],
    ['08P01', 'server login failed: FATAL the database system is starting up', 'TargetBusy'],
    ['08P01', 'server login failed: FATAL no pg_hba.conf entry for host "1.2.3.4"', undefined],
    ['08P01', 'server login failed: FATAL role "app" is not permitted to log in', undefined],
    ['08P01', 'server login failed: FATAL database "shop" does not exist', undefined],
    ['08P01', 'login rejected', undefined],
    ['08P01', 'SSL required', undefined],
    ['08P01', 'database "shop" is disabled', undefined],
    ['XX000', 'The password that was provided for the role other is wrong.', undefined],
    [
      'XX000',
      'This RDS proxy has no credentials for the role app. Check the credentials for this role and try again.',
      undefined,
    ],
    ['57P03', 'the database system is starting up', 'TargetBusy'],
    ['57P01', 'terminating connection due to administrator command', 'TargetUnreachable'],
    ['53300', 'sorry, too many clients already', 'TargetBusy'],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND db', 'TargetUnreachable'],
  ])('%s, %s: is no refusal, but %s', (code, message, meaning) => {
    expect(isLoginRefused(error(code, message), user)).toBe(false);
    expect(classify(error(code, message), 'open')).toBe(meaning);
  });

  it('is no refusal without a code, as an error of the driver has none', () => {
    expect(isLoginRefused(new Error('SASL authentication failed'), user)).toBe(false);
    expect(isLoginRefused('SASL authentication failed', user)).toBe(false);
  });

  it('of a change that collided is that the target is busy, and of a policy that the password is refused', () => {
    expect(classify(error('XX000', 'tuple concurrently updated'), 'change')).toBe('TargetBusy');
    expect(classify(error('40P01', 'deadlock detected'), 'change')).toBe('TargetBusy');
    expect(classify(error('55P03', 'canceling statement due to lock timeout'), 'change')).toBe('TargetBusy');
    expect(classify(error('XX000', 'cache lookup failed'), 'change')).toBeUndefined();
    expect(classify(error('22023', 'password is too short'), 'change')).toBe('PasswordRejected');
  });
});
