import { GetRandomPasswordCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  clientOf,
  type EnforcingHarness,
  refusalOf,
  root,
  session,
  startEnforcing,
} from './access-harness.ts';

const mismatch =
  'InvalidSignatureException: The request signature we calculated does not match the signature you provided. Check ' +
  'your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const unknown = 'UnrecognizedClientException: The security token included in the request is invalid.';

/** A request that has been signed. */
interface HttpRequest {
  headers: Record<string, string>;
  body?: unknown;
}

function isHttpRequest(request: unknown): request is HttpRequest {
  return typeof request === 'object' && request !== null && 'headers' in request;
}

describe('signatures', () => {
  const role = session('role', root.policies ? { policies: root.policies } : {});
  let harness: EnforcingHarness;
  beforeAll(async () => {
    harness = await startEnforcing([role]);
  });
  afterAll(() => harness[Symbol.asyncDispose]());

  const ask = (client: SecretsManagerClient) => refusalOf(client.send(new GetRandomPasswordCommand({})));
  const changed = (change: (request: HttpRequest) => void) => {
    const client = clientOf(harness.local, root);
    // At the end of its step, when the request has been signed.
    client.middlewareStack.add(
      (next) => (args) => {
        if (isHttpRequest(args.request)) change(args.request);
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'change' },
    );
    return client;
  };

  it('are accepted of a user and of a role’s session', async () => {
    expect(await ask(harness.as())).toBeUndefined();
    expect(await ask(harness.as(role))).toBeUndefined();
  });

  it('by an unknown key, or with a missing or foreign session token, are not recognized', async () => {
    expect(await ask(harness.as({ ...root, accessKeyId: 'AKIANOBODY' }))).toBe(unknown);
    expect(await ask(harness.as({ ...role, sessionToken: undefined }))).toBe(unknown);
    expect(await ask(harness.as({ ...role, sessionToken: 'another' }))).toBe(unknown);
    expect(await ask(harness.as({ ...root, sessionToken: 'some' }))).toBe(unknown);
  });

  it('with another secret key, or of another body, do not match', async () => {
    expect(await ask(harness.as({ ...root, secretAccessKey: 'another' }))).toBe(mismatch);
    const tampered = changed((request) => {
      request.body = '{ }';
      request.headers['content-length'] = '3';
    });
    expect(await ask(tampered)).toBe(mismatch);
  });

  it.each([
    [-16, 'Signature expired: '],
    [16, 'Signature not yet current: '],
  ])('of a clock that is %d minutes off are refused', async (minutes, words) => {
    const credentials = { accessKeyId: root.accessKeyId, secretAccessKey: root.secretAccessKey };
    const client = new SecretsManagerClient({
      ...harness.local.clientConfig,
      credentials,
      systemClockOffset: minutes * 60_000,
      maxAttempts: 1,
    });
    expect(await ask(client)).toContain(`InvalidSignatureException: ${words}`);
  });

  it('that are missing or cut short are refused', async () => {
    expect(await ask(changed(({ headers }) => delete headers.authorization))).toBe(
      'MissingAuthenticationTokenException: Missing Authentication Token',
    );
    const cut = changed(({ headers }) => {
      headers.authorization = headers.authorization?.replace(/, Signature=.*/, '') ?? '';
    });
    expect(await ask(cut)).toContain('IncompleteSignatureException: ');
  });
});
