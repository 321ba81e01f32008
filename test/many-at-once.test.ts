import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Deployed, deploy, newTraceRoot } from './support/deployed.ts';
import { eventually } from './support/eventually.ts';
import { canLogIn, createLogin, loginOf, secretOf } from './support/postgres-fixtures.ts';
import { type RotationFixture, startFixture } from './support/rotation-fixture.ts';

/** Secrets that one process rotates at once, as Lambda's managed instances have it. */
const secrets = 20;
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];

interface Span {
  readonly span: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number; readonly message?: string };
}

interface Line {
  readonly message?: string;
  readonly secretArn: string;
  readonly step: string;
  readonly function_request_id?: string;
  readonly _aws?: object;
  readonly StepSucceeded?: number | readonly number[];
}

describe(`${secrets} secrets through one function at once`, () => {
  let fixture: RotationFixture;
  let folder: string;
  let deployed: Deployed;
  /** The secret and the step that each trace was made for, by its id in OpenTelemetry's form. */
  const traced = new Map<string, { readonly secret: string; readonly step: string }>();
  const arns: string[] = [];
  const failures: string[] = [];
  beforeAll(async () => {
    fixture = await startFixture();
    folder = await mkdtemp(join(tmpdir(), 'keyturn-many-'));
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, inject('postgres').ca);
    const variables = {
      SECRETS_MANAGER_ENDPOINT: fixture.local.url,
      KEYTURN_CA_FILE: ca,
      KEYTURN_TRACING: 'opentelemetry',
      AWS_LAMBDA_MAX_CONCURRENCY: String(secrets),
    };
    deployed = deploy(variables, undefined, new URL('./support/otel-layer.ts', import.meta.url));
    const logins = await Promise.all(Array.from({ length: secrets }, () => createLogin()));
    arns.push(...(await Promise.all(logins.map((login) => fixture.createSecret(secretOf(login))))));
    fixture.local.on((event) => {
      if (event.type === 'rotation-failed') failures.push(event.error);
    });
    const RotationLambdaARN = fixture.local.registerFunction('many', async (event) => {
      const root = newTraceRoot();
      traced.set(root.slice(2).replace('-', ''), { secret: event.SecretId, step: event.Step });
      await deployed.invoke(event, root);
    });
    const rotate = (SecretId: string) =>
      fixture.client.send(
        new RotateSecretCommand({
          SecretId,
          RotationLambdaARN,
          RotationRules: { AutomaticallyAfterDays: 1 },
        }),
      );
    await Promise.all(arns.map(rotate));
    await Promise.all(arns.map((arn) => fixture.local.rotationsSettled(arn)));
  });
  afterAll(async () => {
    deployed.stop();
    await fixture.close();
    await rm(folder, { recursive: true });
  });

  const lines = (): unknown[] =>
    deployed
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): unknown => JSON.parse(line));
  const logLines = (): Line[] => lines().filter((line): line is Line => Object(line).level !== undefined);
  const metrics = (): Line[] => lines().filter((line): line is Line => Object(line)._aws !== undefined);
  const spans = (): Span[] => lines().filter((line): line is Span => Object(line).span !== undefined);

  it('are all rotated, each to a password of its own', async () => {
    expect(failures).toEqual([]);
    const rotated = await Promise.all(arns.map(async (arn) => loginOf(await fixture.read(arn))));
    expect(new Set(rotated.map(({ password }) => password)).size).toBe(secrets);
    expect(await Promise.all(rotated.map(canLogIn))).toEqual(rotated.map(() => true));
  });

  it('have each their own lines in the log, by the id of their own invocation', () => {
    const byRequest = Map.groupBy(logLines(), ({ function_request_id: id }) => id);
    expect(byRequest.size).toBe(secrets * steps.length);
    for (const own of byRequest.values()) {
      expect(own.map(({ message }) => message)).toEqual(['Rotation step started', 'Rotation step ended']);
      expect(new Set(own.map(({ secretArn, step }) => `${secretArn} ${step}`)).size).toBe(1);
    }
  });

  it('have each their own metrics', () => {
    const told = metrics().map(({ secretArn, step }) => `${secretArn} ${step}`);
    expect(told.sort()).toEqual(arns.flatMap((arn) => steps.map((step) => `${arn} ${step}`)).sort());
    for (const { StepSucceeded } of metrics()) expect([StepSucceeded].flat()).toEqual([1]);
  });

  it('have each their own trace, under the one that Lambda gave the invocation', async () => {
    await eventually(() => expect(new Set(spans().map(({ traceId }) => traceId)).size).toBe(traced.size));
    expect(traced.size).toBe(secrets * steps.length);
    for (const [traceId, { secret, step }] of traced) {
      const own = spans().filter((span) => span.traceId === traceId);
      const roots = own.filter(({ span }) => span === 'keyturn');
      expect(roots.map(({ attributes }) => attributes)).toEqual([
        expect.objectContaining({ 'keyturn.secret_arn': secret, 'keyturn.step': step }),
      ]);
      expect(own.map(({ span }) => span)).toContain('SecretsManager DescribeSecret');
      const ids = new Set(own.map(({ spanId }) => spanId));
      for (const { span, parent = '' } of own) if (span !== 'keyturn') expect(ids).toContain(parent);
    }
  });

  it('have nothing secret in a trace', async () => {
    const told = JSON.stringify(spans());
    for (const stage of ['AWSCURRENT', 'AWSPREVIOUS']) {
      const values = await Promise.all(arns.map((arn) => fixture.read(arn, stage)));
      for (const { password } of values) expect(told).not.toContain(String(password));
    }
  });

  it('mark a failed step in its trace, without its message', async () => {
    const root = newTraceRoot();
    const event = { SecretId: arns[0], ClientRequestToken: 'x'.repeat(32), Step: 'createSecret' };
    await expect(deployed.invoke(event, root)).rejects.toThrow();
    const traceId = root.slice(2).replace('-', '');
    await eventually(() => expect(spans().filter((span) => span.traceId === traceId)).not.toEqual([]));
    const [span] = spans().filter((one) => one.traceId === traceId && one.span === 'keyturn');
    expect(span).toMatchObject({ status: { code: 2 }, attributes: { 'keyturn.outcome': 'failed' } });
    expect(span?.status.message).toBeUndefined();
    expect(span?.attributes['keyturn.error_code']).not.toBe('none');
  });
});
