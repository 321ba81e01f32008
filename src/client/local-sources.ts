import { invalidOption } from './duration.ts';
import { type SecretSource, secretsManager } from './source.ts';

/** Where both listen by default. */
const defaultPort = 2773;

/** How the extension is reached. */
export interface LambdaExtensionOptions {
  /** The function's variables: AWS_SESSION_TOKEN and PARAMETERS_SECRETS_EXTENSION_HTTP_PORT. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Asked after a refusal, since nothing that is documented leads past the extension's cache; Secrets Manager itself by
   * the SDK if absent, `false` for never.
   */
  readonly direct?: SecretSource | false;
}

/**
 * The AWS Parameters and Secrets Lambda Extension. After a refusal it is asked with `refreshNow`; where it has nothing
 * new all the same, Secrets Manager is asked directly.
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
      // What it holds as AWSPENDING may be of an earlier rotation.
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

/** How the agent is reached. */
export interface SecretsManagerAgentOptions {
  /** Its token, or the file that holds it, as `file:///var/run/awssmatoken`, which is what is read if absent. */
  readonly token?: string;
  /** 2773 if absent. */
  readonly port?: number;
}

/**
 * The AWS Secrets Manager Agent. After a refusal it is asked with `refreshNow`, which passes its cache by.
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
      // Read each time: the agent makes a new one when it starts.
      return readFrom({ port, token: await readToken(token) }, request);
    },
  };
}
