import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { Environment } from '../../configuration.ts';
import { invokePermissionCommand } from '../../doctor/causes.ts';
import type { Preflight } from '../../doctor/facts.ts';
import { KeyturnError } from '../../errors.ts';
import { preflightStep } from '../../rotation/gate.ts';
import type { Finding } from '../../rotator/contract.ts';
import { explainAwsError } from '../../secrets-manager/errors.ts';

/** What is known of a rotation function. */
export interface FunctionFacts {
  /** Its environment variables; empty if they may not be read. */
  readonly variables: Environment;
  /** What could not be looked at. */
  readonly notes: readonly string[];
}

export type { Preflight } from '../../doctor/facts.ts';

/** The calls of Lambda that the commands make. */
export interface FunctionApi {
  /**
   * Checks that a function exists, and lets Secrets Manager invoke it. What may not be looked at becomes a note.
   * @throws FunctionUnusable
   */
  look(functionArn: string): Promise<FunctionFacts>;
  /** Asks one of Keyturn's functions whether a rotation of a secret would succeed. Never throws. */
  preflight(functionArn: string, secretArn: string, currentVersion: string): Promise<Preflight>;
}

export function createFunctionApi(getClient: () => Promise<LambdaClient>): FunctionApi {
  return {
    look: async (functionArn) => readFacts(await getClient(), functionArn),
    preflight: async (functionArn, SecretId, ClientRequestToken) => {
      try {
        return await invoke(await getClient(), functionArn, {
          Step: preflightStep,
          SecretId,
          ClientRequestToken,
        });
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') {
          const { code, message } = noFunction(functionArn);
          return { outcome: 'failed', code, message };
        }
        const { message } = explainAwsError(
          error,
          { action: 'lambda:InvokeFunction', resource: functionArn },
          'person',
        );
        return { outcome: 'unknown', reason: message };
      }
    },
  };
}

async function readFacts(client: LambdaClient, functionArn: string): Promise<FunctionFacts> {
  const { GetFunctionConfigurationCommand, GetPolicyCommand } = await import('@aws-sdk/client-lambda');
  const FunctionName = functionArn;
  const notes: string[] = [];
  const orNote = async <T>(
    action: string,
    missing: KeyturnError,
    call: Promise<T>,
  ): Promise<T | undefined> => {
    try {
      return await call;
    } catch (error) {
      if (error instanceof Error && error.name === 'ResourceNotFoundException') throw missing;
      notes.push(explainAwsError(error, { action, resource: functionArn }, 'person').message);
      return undefined;
    }
  };
  const configuration = await orNote(
    'lambda:GetFunctionConfiguration',
    noFunction(functionArn),
    client.send(new GetFunctionConfigurationCommand({ FunctionName })),
  );
  const policy = await orNote(
    'lambda:GetPolicy',
    notInvocable(functionArn),
    client.send(new GetPolicyCommand({ FunctionName })),
  );
  if (policy?.Policy !== undefined && !letsSecretsManagerIn(policy.Policy)) throw notInvocable(functionArn);
  return { variables: configuration?.Environment?.Variables ?? {}, notes };
}

async function invoke(client: LambdaClient, FunctionName: string, event: object): Promise<Preflight> {
  const { InvokeCommand } = await import('@aws-sdk/client-lambda');
  const Payload = Buffer.from(JSON.stringify(event));
  const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
  const payload: unknown = JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8') || 'null');
  if (answer.FunctionError !== undefined) {
    const code = memberOf(payload, 'errorType') ?? answer.FunctionError;
    return {
      outcome: 'failed',
      code: String(code),
      message: String(memberOf(payload, 'errorMessage') ?? code),
    };
  }
  const findings = memberOf(payload, 'preflight');
  if (Array.isArray(findings)) return { outcome: 'passed', findings: findings.filter(isFinding) };
  return {
    outcome: 'unknown',
    reason: 'The function does not answer a preflight: it is not one of Keyturn, or an older one.',
  };
}

function isFinding(value: unknown): value is Finding {
  const [check, ok, detail] = ['check', 'ok', 'detail'].map((name) => memberOf(value, name));
  return typeof check === 'string' && typeof ok === 'boolean' && typeof detail === 'string';
}

/**
 * Whether some statement lets Secrets Manager invoke the function. Conditions are not evaluated: if they exclude
 * Secrets Manager, it refuses the function itself.
 */
export function letsSecretsManagerIn(policy: string): boolean {
  const statements = listOf(memberOf(JSON.parse(policy), 'Statement'));
  return statements.some((statement) => {
    const principal = memberOf(statement, 'Principal');
    const services = [...listOf(principal), ...listOf(memberOf(principal, 'Service'))];
    const actions = listOf(memberOf(statement, 'Action'));
    return (
      memberOf(statement, 'Effect') === 'Allow' &&
      services.some((service) => service === '*' || service === 'secretsmanager.amazonaws.com') &&
      actions.some((action) => ['*', 'lambda:*', 'lambda:InvokeFunction'].includes(String(action)))
    );
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function noFunction(functionArn: string): KeyturnError {
  return new KeyturnError(
    'FunctionUnusable',
    `There is no function ${functionArn}.`,
    'Check its ARN, its region and its account.',
  );
}

function notInvocable(functionArn: string): KeyturnError {
  return new KeyturnError(
    'FunctionUnusable',
    `The policy of ${functionArn} does not let Secrets Manager invoke it.`,
    `Allow it: ${invokePermissionCommand(functionArn)}`,
  );
}
