import { type Finding, isKeyturnError } from '../../src/rotator/index.ts';

/**
 * A finding.
 *
 * @param check what was looked at, in a word or two
 * @param detail what was seen, if it is in order
 * @param wrong what is wrong; undefined if it is in order
 */
export function finding(check: string, detail: string, wrong?: string): Finding {
  return { check, ok: wrong === undefined, detail: wrong ?? detail };
}

/**
 * Makes a finding of a check that the rotation makes too, so that both report the same problem.
 *
 * @param look the check. If it throws a KeyturnError, that is the problem
 * @throws any other error of `look`
 */
export async function findingOf(check: string, detail: string, look: () => Promise<void>): Promise<Finding> {
  try {
    await look();
    return finding(check, detail);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return finding(check, detail, error.message.replace(/\.$/, ''));
  }
}

/** The finding that tells how the password was sent. It is always in order. @param detail such as `verified TLS` */
export function encryption(detail: string): Finding {
  return finding('encryption', detail);
}

/** As {@link encryption}, of an engine whose connections have either verified TLS or none. */
export function tlsOrPlaintext(hasTls: boolean): Finding {
  return encryption(hasTls ? 'verified TLS' : 'plaintext, as the secret or the function allows');
}
