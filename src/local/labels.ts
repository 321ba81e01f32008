/** The staging labels of a secret, each with the id of its version. So a label can't be on two versions. */
export type Labels = Readonly<Record<string, string>>;

export const currentLabel = 'AWSCURRENT';
export const pendingLabel = 'AWSPENDING';
export const previousLabel = 'AWSPREVIOUS';

/**
 * Moves `label` to `versionId`. If it is AWSCURRENT, AWSPREVIOUS moves to the version that loses it.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
 */
export function moveLabel(labels: Labels, label: string, versionId: string): Labels {
  const holder = labels[label];
  if (holder === versionId) return labels;
  const moved = { ...labels, [label]: versionId };
  return label === currentLabel && holder !== undefined ? { ...moved, [previousLabel]: holder } : moved;
}

/** Takes `label` off its version. */
export function removeLabel(labels: Labels, label: string): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => name !== label));
}

/** The labels of a version, in the order in which they were first attached. */
export function labelsOf(labels: Labels, versionId: string): string[] {
  return Object.entries(labels).flatMap(([label, holder]) => (holder === versionId ? [label] : []));
}

/** The labels by version, ordered by version id: DescribeSecret's VersionIdsToStages. */
export function labelsByVersion(labels: Labels): Record<string, string[]> {
  const ids = [...new Set(Object.values(labels))].sort();
  return Object.fromEntries(ids.map((id) => [id, labelsOf(labels, id)]));
}

/**
 * The version of a rotation that isn't complete: AWSPENDING is on it, and AWSCURRENT is not.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
 */
export function unfinishedRotation(labels: Labels): string | undefined {
  const pending = labels[pendingLabel];
  return pending === labels[currentLabel] ? undefined : pending;
}
