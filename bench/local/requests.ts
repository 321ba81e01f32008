import { randomUUID } from 'node:crypto';

/** The operations that are measured. */
export const loadOperations = ['GetSecretValue', 'DescribeSecret', 'PutSecretValue', 'CreateSecret'] as const;
export type LoadOperation = (typeof loadOperations)[number];

/** The name of the secret with a number. */
export function secretName(index: number): string {
  return `bench/secret-${index}`;
}

/** A complete HTTP request for this port. Its signature is not valid: the servers read only its key and region. */
export function httpRequest(port: number, operation: string, input: object): Buffer {
  const body = JSON.stringify(input);
  return Buffer.from(
    [
      'POST / HTTP/1.1',
      `Host: 127.0.0.1:${port}`,
      'Content-Type: application/x-amz-json-1.1',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Amz-Target: secretsmanager.${operation}`,
      'X-Amz-Date: 20260101T000000Z',
      'Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/secretsmanager/aws4_request, ' +
        `SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=${'0'.repeat(64)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

/** The operation's input for the secret with a number. */
export function inputOf(operation: LoadOperation, index: number): object {
  switch (operation) {
    case 'GetSecretValue':
    case 'DescribeSecret':
      return { SecretId: secretName(index) };
    case 'PutSecretValue':
      return { SecretId: secretName(index), ClientRequestToken: randomUUID(), SecretString: value() };
    case 'CreateSecret':
      return { Name: secretName(index), ClientRequestToken: randomUUID(), SecretString: value() };
  }
}

function value(): string {
  return JSON.stringify({
    engine: 'postgres',
    host: 'db.example.com',
    username: 'app',
    password: randomUUID(),
  });
}
