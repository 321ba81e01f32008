import {
  BatchGetSecretValueCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { messageOf } from '../errors.ts';
import { readAnswer } from './read-errors.ts';
import type { ReadAnswer, ReadRequest } from './source.ts';

/** The part of the SDK's client that is used. */
export type SecretsManagerSender = Pick<SecretsManagerClient, 'send'>;

const mostInOneCall = 20;

/** A client with the SDK's own defaults. */
export function defaultClient(): SecretsManagerSender {
  return new SecretsManagerClient();
}

/** Reads one version. @throws what the SDK throws; SecretIsBinary, SecretHasNoValue */
export async function read(
  client: SecretsManagerSender,
  { secretId, stage, versionId, signal }: ReadRequest,
): Promise<ReadAnswer> {
  const version = versionId === undefined ? { VersionStage: stage } : { VersionId: versionId };
  const command = new GetSecretValueCommand({ SecretId: secretId, ...version });
  return readAnswer(secretId, await client.send(command, { abortSignal: signal }));
}

/** Reads AWSCURRENT of many secrets, 20 in one call: for each, the answer or the error. @throws what the SDK throws */
export async function readMany(
  client: SecretsManagerSender,
  secretIds: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadAnswer | Error>> {
  const answers = new Map<string, ReadAnswer | Error>();
  for (let start = 0; start < secretIds.length; start += mostInOneCall) {
    const SecretIdList = secretIds.slice(start, start + mostInOneCall);
    const command = new BatchGetSecretValueCommand({ SecretIdList });
    const { SecretValues = [], Errors = [] } = await client.send(command, { abortSignal: signal });
    for (const id of SecretIdList) {
      const answer = SecretValues.find(({ ARN = '', Name }) => isAskedBy(id, ARN, Name));
      const error = Errors.find(({ SecretId = '' }) => isAskedBy(id, SecretId, SecretId));
      if (answer !== undefined)
        answers.set(
          id,
          outcomeOf(() => readAnswer(id, answer)),
        );
      else if (error !== undefined) answers.set(id, batchError(error));
    }
  }
  return answers;
}

/** Whether an id means this secret: by name, by ARN, or by ARN without AWS's random six characters. */
function isAskedBy(id: string, arn: string, name: string | undefined): boolean {
  return id === arn || id === name || id === arn.replace(/-[^-]{6}$/, '');
}

function outcomeOf(read: () => ReadAnswer): ReadAnswer | Error {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error : new Error(messageOf(error));
  }
}

function batchError({ ErrorCode = 'Error', Message }: { ErrorCode?: string; Message?: string }): Error {
  return Object.assign(new Error(Message), { name: ErrorCode });
}
