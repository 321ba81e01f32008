import { type Finding, isKeyturnError } from '../../src/rotator/index.ts';

/** A finding. @param detail what is in order @param wrong what is wrong, or undefined */
export function finding(check: string, detail: string, wrong?: string): Finding {
  return { check, ok: wrong === undefined, detail: wrong ?? detail };
}

/** Runs a check of the rotation itself, so that preflight and rotation report the same problem. */
export async function findingOf(check: string, detail: string, look: () => Promise<void>): Promise<Finding> {
  try {
    await look();
    return finding(check, detail);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return finding(check, detail, error.message.replace(/\.$/, ''));
  }
}

/** Whether the session's password was sent over TLS. */
export function encryption(detail: string): Finding {
  return finding('encryption', detail);
}
