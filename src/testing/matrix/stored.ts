import {
  DescribeSecretCommand,
  type DescribeSecretResponse,
  ListSecretVersionIdsCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { type VersionStages, versionWith } from '../../secrets-manager/staging-labels.ts';
import { readVersion } from '../secrets.ts';
import type { RemoteCall, StaleAnswer } from './faults.ts';

/** The state of a secret at one moment. */
export interface StoredSecret {
  readonly description: DescribeSecretResponse;
  readonly stages: VersionStages;
  /** Ids of all versions, including those without a label. */
  readonly versionIds: readonly string[];
  /** Values by version id. Empty versions are missing. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Makes a reader of a secret's state. It remembers values, because they never change. */
export function createStoredReader(client: SecretsManagerClient, arn: string): () => Promise<StoredSecret> {
  const known = new Map<string, string>();
  const readText = async (versionId: string): Promise<string | undefined> => {
    const text = known.get(versionId) ?? (await readVersion(client, arn, versionId));
    if (text !== undefined) known.set(versionId, text);
    return text;
  };
  return async () => {
    const [description, list] = await Promise.all([
      client.send(new DescribeSecretCommand({ SecretId: arn })),
      client.send(
        new ListSecretVersionIdsCommand({ SecretId: arn, IncludeDeprecated: true, MaxResults: 100 }),
      ),
    ]);
    const versionIds = (list.Versions ?? []).flatMap(({ VersionId }) => VersionId ?? []);
    const texts = new Map<string, string>();
    for (const id of versionIds) {
      const text = await readText(id);
      if (text !== undefined) texts.set(id, text);
    }
    return { description, stages: description.VersionIdsToStages ?? {}, versionIds, texts };
  };
}

/** The answer of a read that still sees the state `stored`. Undefined for other secrets. */
export function staleAnswer(stored: StoredSecret, { name, asked }: RemoteCall): StaleAnswer | undefined {
  const { ARN, Name } = stored.description;
  if (asked === undefined || asked.secretId !== ARN) return undefined;
  if (name === 'DescribeSecret') return { output: stored.description };
  if (name === 'ListSecretVersionIds') return { output: { ARN, Name, Versions: listed(stored) } };
  const id = asked.versionId ?? versionWith(stored.stages, asked.stage ?? 'AWSCURRENT');
  const SecretString = id === undefined ? undefined : stored.texts.get(id);
  if (SecretString !== undefined) return { output: { ARN, Name, VersionId: id, SecretString } };
  const message = `Secrets Manager can't find the specified secret value for VersionId: ${id}`;
  return { error: { name: 'ResourceNotFoundException', message } };
}

function listed({ versionIds, stages }: StoredSecret): object[] {
  return versionIds.map((VersionId) => ({ VersionId, VersionStages: stages[VersionId] ?? [] }));
}
