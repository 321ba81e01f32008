import type { StepReport } from '../../src/index.ts';

/** Words for a token's rotation that differ from a password's. */
const tokenWords: Partial<Record<StepReport['outcome'], string>> = {
  stored: 'minted a token beside the one that works, stored it as AWSPENDING',
  'found-changed': 'found that the server accepts a token of the secret',
  verified: 'called the server with the new token',
  current: 'revoked what no version needs any more, moved AWSCURRENT',
};

/** A step's outcome in words. */
export function describeStep({ outcome, rotator = '', errorMessage }: StepReport): string {
  const ofToken = rotator.startsWith('api-token/') ? tokenWords[outcome] : undefined;
  if (ofToken !== undefined) return ofToken;
  const alternating = rotator === 'postgres-alternating-users';
  switch (outcome) {
    case 'stored':
      return alternating
        ? 'made a password for the other user, stored it as AWSPENDING'
        : 'made a new password, stored it as AWSPENDING';
    case 'kept':
      return 'kept the password that an earlier attempt has stored';
    case 'changed':
      return alternating ? 'the admin gave the other user its new password' : 'changed the password';
    case 'found-changed':
      return 'found the password changed by an earlier attempt';
    case 'changed-and-current':
      return 'changed the password, logged in with it, moved AWSCURRENT at once';
    case 'found-changed-and-current':
      return 'found the password changed, logged in with it, moved AWSCURRENT';
    case 'verified':
      return alternating
        ? 'logged in as the other user, found its privileges complete'
        : 'logged in with the new password';
    case 'preflight-passed':
      return 'everything that a rotation needs is in order';
    case 'revoked':
      return 'revoked the old credential where its time was over';
    case 'current':
      return 'moved AWSCURRENT';
    case 'already-done':
      return 'nothing left to do: setSecret has done it';
    case 'failed':
      return errorMessage ?? 'failed';
  }
}

/** The beginning of a version's id, enough for a demo. */
export function shortId(versionId: string): string {
  return versionId.slice(0, 8);
}

/** Describes staging labels by version, in the order of `versions`. `mark` marks those that have just moved. */
export function describeLabels(
  versions: Iterable<string>,
  { before, after }: { readonly before: LabelsByVersion; readonly after: LabelsByVersion },
  mark: (text: string) => string,
): string {
  const cells: string[] = [];
  for (const id of versions) {
    if (before[id] === undefined && after[id] === undefined) continue;
    const labels = after[id]?.join(' ') ?? 'no label';
    cells.push(`${shortId(id)} ${labels === before[id]?.join(' ') ? labels : mark(labels)}`);
  }
  return cells.join('   ');
}

type LabelsByVersion = Readonly<Record<string, readonly string[]>>;
