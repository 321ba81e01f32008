import { createServer, type Socket } from 'node:net';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { postgres } from '../../rotators/postgres/index.ts';
import { createRotationHandler, type Rotator } from '../../src/index.ts';
import { createLambdaHandler } from '../../src/powertools.ts';
import { eventually } from '../support/eventually.ts';
import { lambdaContext } from '../support/lambda-context.ts';
import { canLogIn, createLogin, loginOf, secretOf, sharedOptions } from '../support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from '../support/rotation-fixture.ts';

const rotationToken = 'rotation-token-that-is-never-to-be-seen';

/** An error with everything that a driver might put into it, and all of its members. */
function everythingOf(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    parts.push(current.name, current.message, current.stack ?? '', JSON.stringify(Object.entries(current)));
  }
  return parts.join('\n');
}

describe('secrecy', () => {
  let fixture: RotationFixture;
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterAll(() => fixture.close());

  it('masks what a driver puts into its errors, to the last cause', async () => {
    const login = await createLogin();
    const real = postgres(sharedOptions());
    let pendingPassword = '';
    const talkative: typeof real = {
      ...real,
      change: async (_session, pending, { using }) => {
        pendingPassword = pending.password;
        const cause = Object.assign(new Error(`statement was: PASSWORD '${pending.password}'`), {
          query: pending.password,
        });
        throw new Error(
          `tried ${using.password} ${encodeURIComponent(pending.password)} ${JSON.stringify(pending)}`,
          { cause },
        );
      },
    };
    const leaky = await startFixture({ rotators: [talkative] });
    try {
      const arn = await leaky.createSecret({ ...secretOf(login), apiKey: 'another-secret-value' });
      const token = await leaky.put(arn, { ...secretOf(login), password: 'p\'"\\ %&=+ 12345' }, [
        'AWSPENDING',
      ]);
      const failing = leaky.handler({
        Step: 'setSecret',
        SecretId: arn,
        ClientRequestToken: token,
        RotationToken: rotationToken,
      });
      const error = await failing.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'TargetFailed' });
      const shown = everythingOf(error) + JSON.stringify(leaky.recorded.reports);
      expect(shown).toContain('[redacted]');
      for (const secret of [
        login.password,
        pendingPassword,
        encodeURIComponent(pendingPassword),
        'another-secret-value',
      ]) {
        expect(shown).not.toContain(secret);
      }
    } finally {
      await leaky.close();
    }
  });

  it('gives up before the function is killed, leaving no socket, and says why', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) =>
      sockets.add(
        socket
          .resume()
          .on('error', () => undefined)
          .on('close', () => sockets.delete(socket)),
      ),
    );
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    expect(await fixture.rotate(arn, { immediately: false })).toBeUndefined();
    await fixture.put(arn, { ...secretOf(login), host: '127.0.0.1', port });
    const token = await fixture.put(
      arn,
      { ...secretOf(login), host: '127.0.0.1', port, password: 'next-1' },
      ['AWSPENDING'],
    );
    const failing = fixture.handler(
      { Step: 'setSecret', SecretId: arn, ClientRequestToken: token },
      { getRemainingTimeInMillis: () => 900 },
    );
    await expect(failing).rejects.toMatchObject({
      code: 'DeadlineExceeded',
      message: expect.stringMatching(/time-out/),
    });
    await eventually(() => expect(sockets.size).toBe(0));
    silent.close();
  });
});

describe('the handler for Lambda', () => {
  let fixture: RotationFixture;
  const lines: string[] = [];
  beforeAll(async () => {
    fixture = await startFixture();
  });
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => fixture.close());

  function captureLog(): void {
    lines.length = 0;
    const keep = (chunk: unknown): boolean => lines.push(String(chunk)) > 0;
    vi.spyOn(process.stdout, 'write').mockImplementation(keep);
    vi.spyOn(process.stderr, 'write').mockImplementation(keep);
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
      vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => void lines.push(parts.join(' ')));
    }
  }

  /** The JSON objects among what was logged. */
  function logged(): Record<string, unknown>[] {
    return lines
      .flatMap((text) => text.split('\n'))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
  }

  function lambda(rotators: readonly Rotator[]) {
    const environment = { POWERTOOLS_SERVICE_NAME: 'rotation' };
    return createLambdaHandler(environment, (telemetry) =>
      createRotationHandler({ rotators, client: fixture.functionClient, telemetry }),
    );
  }

  it('logs one line when a step starts and one when it ends, with metrics, and no secret', async () => {
    vi.stubEnv('POWERTOOLS_LOGGER_LOG_EVENT', 'true');
    const login = await createLogin();
    const arn = await fixture.createSecret(secretOf(login));
    const handler = lambda([postgres(sharedOptions())]);
    const functionArn = fixture.local.registerFunction('lambda', (event, context) =>
      handler({ ...event, RotationToken: rotationToken }, { ...context, functionVersion: '1' }),
    );
    captureLog();
    await fixture.client.send(
      new RotateSecretCommand({
        SecretId: arn,
        RotationLambdaARN: functionArn,
        RotationRules: { AutomaticallyAfterDays: 1 },
      }),
    );
    await fixture.local.rotationsSettled(arn);
    const entries = logged();
    vi.restoreAllMocks();

    const rotated = await fixture.read(arn);
    expect(await canLogIn(loginOf(rotated))).toBe(true);
    const ends = entries.filter(({ message }) => message === 'Rotation step ended');
    expect(entries.filter(({ message }) => message === 'Rotation step started')).toHaveLength(4);
    expect(ends.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['createSecret', 'stored'],
      ['setSecret', 'changed-and-current'],
      ['testSecret', 'already-done'],
      ['finishSecret', 'already-done'],
    ]);
    expect(ends[1]).toMatchObject({
      level: 'INFO',
      secretArn: arn,
      rotator: 'postgres',
      logins: 2,
      service: 'rotation',
    });
    const metrics = entries.filter((entry) => '_aws' in entry);
    expect(metrics).toHaveLength(4);
    expect(metrics[1]).toMatchObject({
      StepSucceeded: 1,
      SecretsManagerCalls: 2,
      step: 'setSecret',
      secretArn: arn,
    });
    expect(metrics[1]).toHaveProperty('CredentialGap');
    const all = lines.join('\n');
    for (const secret of [login.password, String(rotated.password), rotationToken])
      expect(all).not.toContain(secret);
    vi.unstubAllEnvs();
  });

  it('logs a failure with its code, counts it, and throws the error by that name', async () => {
    const login = await createLogin();
    const arn = await fixture.createSecret({ ...secretOf(login), password: 'not-the-password' });
    const token = await fixture.put(arn, { ...secretOf(login), password: 'next-password-1' }, ['AWSPENDING']);
    const handler = lambda([postgres(sharedOptions())]);
    captureLog();
    const error = await handler(
      { Step: 'setSecret', SecretId: arn, ClientRequestToken: token },
      lambdaContext(),
    ).catch((thrown: unknown) => thrown);
    const entries = logged();
    vi.restoreAllMocks();
    expect(error).toMatchObject({ name: 'NoCredentialAccepted', code: 'NoCredentialAccepted' });
    expect(entries).toContainEqual(
      expect.objectContaining({
        level: 'ERROR',
        message: 'Rotation step failed',
        errorCode: 'NoCredentialAccepted',
        refusedLogins: 2,
      }),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({ StepFailed: 1, errorCode: 'NoCredentialAccepted' }),
    );
    expect(lines.join('\n')).not.toContain('not-the-password');
  });
});
