import { invalidOption } from './duration.ts';
import { secretsManager } from './secrets-manager.ts';
import type { SecretSource } from './source.ts';

/** The default port of the extension and of the agent. */
const defaultPort = 2773;

/** How to reach the extension. */
export interface LambdaExtensionOptions {
  /** The function's variables: AWS_SESSION_TOKEN and PARAMETERS_SECRETS_EXTENSION_HTTP_PORT. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * The source that is read after a refusal if the extension has nothing new, and for AWSPENDING. The extension's
   * documentation doesn't say how to bypass its cache. Default: Secrets Manager, by the SDK. `false`: none.
   */
  readonly direct?: SecretSource | false;
}

/**
 * Reads from the AWS Parameters and Secrets Lambda Extension. After a refusal it is asked with `refreshNow`. If it still
 * has nothing new, `direct` is read.
 *
 * Its reads throw InvalidConfiguration if the environment has no AWS_SESSION_TOKEN.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html
 */
export function lambdaExtension({
  environment,
  direct = secretsManager(),
}: LambdaExtensionOptions): SecretSource {
  return {
    caches: true,
    read: async (request) => {
      const { fresh, refused, stage } = request;
      // Its cached AWSPENDING may be from an earlier rotation.
      if (stage === 'AWSPENDING' && direct !== false) return direct.read(request);
      const { AWS_SESSION_TOKEN: token, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: port } = environment;
      if (!token) throw invalidOption('environment', 'has no AWS_SESSION_TOKEN', "Give the process's own.");
      const { readFrom } = await import('./local-endpoint.ts');
      const read = readFrom({ port: Number(port || defaultPort), token }, request);
      if (!fresh || direct === false) return read;
      const answer = await read.catch(() => undefined);
      return answer === undefined || answer.versionId === refused ? direct.read(request) : answer;
    },
  };
}

/** How to reach the agent. */
export interface SecretsManagerAgentOptions {
  /** Its token, or the URL of its token's file. Default: `file:///var/run/awssmatoken`. */
  readonly token?: string;
  /** Default: 2773. */
  readonly port?: number;
}

/**
 * Reads from the AWS Secrets Manager Agent. After a refusal it is asked with `refreshNow`, which bypasses its cache.
 *
 * Its reads throw InvalidConfiguration if the token's file can't be read.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/secrets-manager-agent.html
 */
export function secretsManagerAgent({
  token = 'file:///var/run/awssmatoken',
  port = defaultPort,
}: SecretsManagerAgentOptions = {}): SecretSource {
  return {
    caches: true,
    read: async (request) => {
      const { readFrom, readToken } = await import('./local-endpoint.ts');
      // Read each time, since the agent makes a new token when it starts.
      return readFrom({ port, token: await readToken(token) }, request);
    },
  };
}
