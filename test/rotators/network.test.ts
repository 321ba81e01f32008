import { describe, expect, it } from 'vitest';
import { elastiCache } from '../../rotators/elasticache/index.ts';
import { mysql } from '../../rotators/mysql/index.ts';
import { codesOf, isCertificateCode, isNetworkCode } from '../../rotators/network.ts';
import { postgres } from '../../rotators/postgres/index.ts';
import { redis } from '../../rotators/redis/index.ts';
import { sqlServer } from '../../rotators/sqlserver/index.ts';

/** All of https://nodejs.org/api/tls.html#x509-certificate-error-codes that are about a certificate. */
const certificateCodes = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_CERT_SIGNATURE_ALGORITHM_UNSUPPORTED',
  'ERR_SSL_WRONG_VERSION_NUMBER',
];

const networkCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'UND_ERR_SOCKET',
];

const failed = (code: string) => Object.assign(new Error('failed'), { code });

/** What each database's rotator takes an error for. */
const meaningsOf = (error: unknown) =>
  new Set(
    [postgres(), mysql(), sqlServer(), redis(), elastiCache()].map(({ classify }) =>
      classify?.(error, 'open'),
    ),
  );

describe('failed connections', () => {
  it.each(certificateCodes)('take %s for a certificate that was rejected, at every database', (code) => {
    expect([isCertificateCode(code), isNetworkCode(code)]).toEqual([true, false]);
    expect(meaningsOf(failed(code))).toEqual(new Set(['CertificateRejected']));
    const wrapped = new Error('wrapped', { cause: failed(code) });
    expect(meaningsOf(wrapped)).toEqual(new Set(['CertificateRejected']));
  });

  it.each(networkCodes)('take %s for a target that is out of reach, at every database', (code) => {
    expect([isCertificateCode(code), isNetworkCode(code)]).toEqual([false, true]);
    expect(meaningsOf(failed(code))).toEqual(new Set(['TargetUnreachable']));
    expect(meaningsOf(new AggregateError([failed(code)]))).toEqual(new Set(['TargetUnreachable']));
  });

  it('take no other code for either', () => {
    for (const code of ['', 'EACCES', 'ERR_INVALID_ARG_TYPE', '28P01', 'INVALID_CARGO'])
      expect([isCertificateCode(code), isNetworkCode(code)]).toEqual([false, false]);
  });

  it('find the codes of what an error was made of, outermost first', () => {
    const cause = new AggregateError([failed('ECONNREFUSED'), failed('ENETUNREACH')]);
    expect(codesOf(Object.assign(new Error('outer', { cause }), { code: 'ESOCKET' }))).toEqual([
      'ESOCKET',
      'ECONNREFUSED',
      'ENETUNREACH',
    ]);
    expect(codesOf(undefined)).toEqual([]);
    expect(codesOf('ECONNREFUSED')).toEqual([]);
  });

  it('do not loop over an error that is its own cause', () => {
    const circular = new Error('circular');
    circular.cause = circular;
    expect(codesOf(circular)).toEqual([]);
  });
});
