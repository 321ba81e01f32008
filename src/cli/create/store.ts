import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  PutResourcePolicyCommand,
  type SecretsManagerClient,
  ValidateResourcePolicyCommand,
} from '@aws-sdk/client-secrets-manager';
import type { NewSecret } from '../../create/new-secret.ts';
import { isKeyturnError, KeyturnError, messageOf } from '../../errors.ts';
import { explain } from '../rotation/problems.ts';
import type { Screen } from '../rotation/screen.ts';

/** A secret that was stored. */
export interface Stored {
  readonly arn: string;
  readonly versionId: string;
}

/** Stores a secret. @throws SecretExists, SecretMarkedForDeletion, AccessDenied and others */
export async function store(
  client: SecretsManagerClient,
  secret: NewSecret,
  screen: Screen,
): Promise<Stored> {
  const { name, value, description, kmsKeyId, tags, replicas } = secret;
  const command = new CreateSecretCommand({
    Name: name,
    ClientRequestToken: randomUUID(),
    SecretString: value,
    Description: description,
    KmsKeyId: kmsKeyId,
    ...(tags.size === 0 ? {} : { Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) }),
    ...(replicas.length === 0
      ? {}
      : {
          AddReplicaRegions: replicas.map(({ region, kmsKeyId: key }) => ({ Region: region, KmsKeyId: key })),
        }),
  });
  try {
    const { ARN: arn = name, VersionId: versionId = '' } = await client.send(command);
    screen.good(`Stored: ${name}`);
    screen.fact('secret', arn);
    return { arn, versionId };
  } catch (error) {
    throw explainStoring(error, name);
  }
}

function explainStoring(error: unknown, name: string): KeyturnError {
  if (error instanceof Error && error.name === 'ResourceExistsException') {
    const remedy = `To store another value in it: aws secretsmanager put-secret-value --secret-id ${name}`;
    return new KeyturnError('SecretExists', `There is a secret ${name} already.`, remedy, { cause: error });
  }
  if (messageOf(error).includes('scheduled for deletion')) {
    const remedy = `Restore it, or wait for its end: aws secretsmanager restore-secret --secret-id ${name}`;
    return new KeyturnError('SecretMarkedForDeletion', `Secret ${name} is marked for deletion.`, remedy, {
      cause: error,
    });
  }
  return explain(error, { action: 'secretsmanager:CreateSecret', resource: name });
}

/** Puts a resource policy, if it does not let everybody in. */
export async function putPolicy(
  client: SecretsManagerClient,
  SecretId: string,
  ResourcePolicy: string,
): Promise<void> {
  try {
    await client.send(new PutResourcePolicyCommand({ SecretId, ResourcePolicy, BlockPublicPolicy: true }));
  } catch (error) {
    throw explain(error, { action: 'secretsmanager:PutResourcePolicy', resource: SecretId });
  }
}
/** What is wrong with a resource policy, before it is put; a note where that may not be asked. @throws InvalidConfiguration */
export async function validatePolicy(
  client: SecretsManagerClient,
  ResourcePolicy: string,
): Promise<string[]> {
  try {
    const answer = await client.send(new ValidateResourcePolicyCommand({ ResourcePolicy }));
    const problems = (answer.ValidationErrors ?? []).map(({ ErrorMessage = '' }) => ErrorMessage);
    if (answer.PolicyValidationPassed !== false) return problems;
    throw new KeyturnError(
      'InvalidConfiguration',
      `The resource policy is refused: ${problems.join(' ')}`,
      'Correct it.',
    );
  } catch (error) {
    const explained = explain(error, {
      action: 'secretsmanager:ValidateResourcePolicy',
      resource: 'the resource policy',
    });
    if (!isKeyturnError(explained, 'AccessDenied')) throw explained;
    return [
      'The resource policy could not be validated before: secretsmanager:ValidateResourcePolicy is not allowed.',
    ];
  }
}
