import { describe, expect, it } from 'vitest';
import { isCertificateError, isNetworkError, networkCodeOf } from '../../rotators/network-errors.ts';

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes, read 2026-11-26; and Node.js's own. */
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
  'ERR_TLS_CERT_ALTNAME_FORMAT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
];

describe("Node.js's error codes", () => {
  it.each(certificateCodes)('%s is about a certificate', (code) => {
    expect([isCertificateError(code), isNetworkError(code)]).toEqual([true, false]);
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET'])(
    '%s is about the network',
    (code) => {
      expect([isCertificateError(code), isNetworkError(code)]).toEqual([false, true]);
    },
  );

  it.each(['28P01', 'ELOGIN', 'EACCES', '', 'PURPOSE'])('%j is about neither', (code) => {
    expect([isCertificateError(code), isNetworkError(code)]).toEqual([false, false]);
  });

  it('are found where fetch and several addresses hide them', () => {
    const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    expect(networkCodeOf(refused)).toBe('ECONNREFUSED');
    expect(networkCodeOf(new TypeError('fetch failed', { cause: refused }))).toBe('ECONNREFUSED');
    expect(networkCodeOf(new TypeError('fetch failed', { cause: new AggregateError([refused]) }))).toBe(
      'ECONNREFUSED',
    );
    expect(networkCodeOf(new Error('other', { cause: { code: 'ELOGIN' } }))).toBeUndefined();
    expect(networkCodeOf('ECONNREFUSED')).toBeUndefined();
  });

  it('do not loop over an error that is its own cause', () => {
    const circular = new Error('circular');
    circular.cause = circular;
    expect(networkCodeOf(circular)).toBeUndefined();
  });
});
