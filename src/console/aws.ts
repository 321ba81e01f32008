import { type Clients, type Credentials, connect } from '../cli/rotation/clients.ts';
import { createFunctionApi, type FunctionApi } from '../cli/rotation/function.ts';
import { createAwsSecretsManagement } from '../secrets-manager/aws.ts';
import type { SecretsManagementPort } from '../secrets-manager/port.ts';

/** Where secrets are. */
export interface Place {
  /** Undefined: the endpoint of AWS. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
}

/** A value that was read. */
export interface Reading {
  readonly secretId: string;
  readonly versionId: string;
  /** Whether it was read to be shown. False: the console itself needed it, such as to see whether a version has a value. */
  readonly shown: boolean;
}

/** The calls of one principal. */
export interface Connection {
  readonly secrets: SecretsManagementPort;
  readonly functions: FunctionApi;
  readonly clients: Clients;
}

/** Makes a principal's connection. @param onRead is called after each reading of a value */
export function connectAs(
  place: Place,
  credentials: Credentials | undefined,
  environment: NodeJS.ProcessEnv,
  onRead: (reading: Reading) => void,
): Connection {
  const clients = connect({ secret: '', ...place }, environment, credentials);
  const secrets = createAwsSecretsManagement({ client: clients.secretsManager, reader: 'person' });
  return { clients, functions: createFunctionApi(clients.lambda), secrets: noting(secrets, onRead) };
}

function noting(secrets: SecretsManagementPort, onRead: (reading: Reading) => void): SecretsManagementPort {
  return {
    ...secrets,
    read: async (secretId, version) => {
      const value = await secrets.read(secretId, version);
      onRead({ secretId, versionId: value.versionId, shown: false });
      return value;
    },
    readAny: async (secretId, version) => {
      const value = await secrets.readAny(secretId, version);
      onRead({ secretId, versionId: value.versionId, shown: true });
      return value;
    },
  };
}
