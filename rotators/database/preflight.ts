import { type Finding, isKeyturnError } from '../../src/rotator/index.ts';

/** A finding. @param detail what is in order @param wrong what is not, or undefined */
export function finding(check: string, detail: string, wrong?: string): Finding {
  return { check, ok: wrong === undefined, detail: wrong ?? detail };
}

/** A check is what the rotation itself requires, so that both say the same of what is wrong. */
export async function findingOf(check: string, detail: string, look: () => Promise<void>): Promise<Finding> {
  try {
    await look();
    return finding(check, detail);
  } catch (error) {
    if (!isKeyturnError(error)) throw error;
    return finding(check, detail, error.message.replace(/\.$/, ''));
  }
}

/** How the session's password went over. */
export function encryption(detail: string): Finding {
  return finding('encryption', detail);
}
