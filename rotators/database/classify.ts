import type { Activity, ErrorCode } from '../../src/rotator/index.ts';
import { codesOf, isCertificateCode, isNetworkCode } from '../network.ts';
import { isTlsUnavailable } from './connection.ts';

/** What an engine's errors mean. */
export interface EngineErrors {
  /** What an error of the server means. */
  meaning(error: unknown, during: Activity): ErrorCode | undefined;
  /**
   * Whether a code of the driver or the server means that the server can't be reached, or that the connection broke.
   */
  isUnreachable?(code: string): boolean;
}

/** What the numbers of a server's errors mean: for each meaning its numbers. */
export type NumberMeanings = readonly (readonly [ErrorCode, readonly number[]])[];

/** What numbers of a server's errors mean. If they mean several things, the first of the list counts. */
export function meaningOf(meanings: NumberMeanings): (numbers: readonly number[]) => ErrorCode | undefined {
  const known = meanings.map(([code, numbers]) => [code, new Set(numbers)] as const);
  return (numbers) => known.find(([, meant]) => numbers.some((number) => meant.has(number)))?.[0];
}

/** What an error means. Checked in this order: TLS and certificates, the server, the network. */
export function classifier({ meaning, isUnreachable = () => false }: EngineErrors) {
  return (error: unknown, during: Activity): ErrorCode | undefined => {
    if (isTlsUnavailable(error)) return 'TlsUnavailable';
    const codes = codesOf(error);
    if (codes.some(isCertificateCode)) return 'CertificateRejected';
    const meant = meaning(error, during);
    if (meant !== undefined) return meant;
    return codes.some((code) => isNetworkCode(code) || isUnreachable(code)) ? 'TargetUnreachable' : undefined;
  };
}
