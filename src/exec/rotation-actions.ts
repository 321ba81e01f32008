/** What `keyturn exec` does when a secret has a new version. */
export const rotationActions = ['none', 'restart', 'SIGHUP'] as const;

/** One of {@link rotationActions}. */
export type RotationAction = (typeof rotationActions)[number];
