/** Staging labels by version id, as DescribeSecret gives them. */
export type VersionStages = Readonly<Record<string, readonly string[]>>;

/** The version that carries a staging label, or undefined. */
export function versionWith(stages: VersionStages, label: string): string | undefined {
  return Object.keys(stages).find((version) => stages[version]?.includes(label));
}
