/**
 * The checks that the core makes in a preflight, by the names in its findings. Lambda answers an error as text only. So
 * the caller finds the names in the message.
 */
export const checks = ['login', 'admin secret', 'admin login', 'new credential', 'account'] as const;

/** One of {@link checks}. */
export type Check = (typeof checks)[number];

const refused = 'refuses AWSCURRENT';
const begin = 'The preflight has failed: ';

/** The detail of a login that AWSCURRENT does not open. @param place host and port */
export function refusesCurrent(place: string): string {
  return `${place} ${refused}`;
}

/** The message of a preflight that has failed. */
export function preflightProblem(
  wrong: readonly { readonly check: string; readonly detail: string }[],
): string {
  return `${begin}${wrong.map(({ check, detail }) => `${check}: ${detail}`).join('; ')}.`;
}

/** The core's checks that failed, read from that message; none if only a rotator's own check failed. */
export function failedChecks(message: string): Check[] {
  const text = message.startsWith(begin) ? message.slice(begin.length) : message;
  return checks.filter((check) => text.startsWith(`${check}: `) || text.includes(`; ${check}: `));
}

/** Whether that message says that the target refuses AWSCURRENT. */
export function currentIsRefused(message: string): boolean {
  return message.includes(refused);
}
