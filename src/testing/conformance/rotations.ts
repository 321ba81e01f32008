import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { RotateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { createRotationHandler } from '../../handler.ts';
import { sensitiveValues } from '../../redact.ts';
import type { Rotator } from '../../rotator/contract.ts';
import type { StepReport, Telemetry } from '../../telemetry.ts';
import type { TestAccount } from '../harness.ts';
import {
  documentOf,
  type StoredVersion,
  startTestSecretsManager,
  storeAccount,
  storedVersions,
} from '../secrets.ts';
import { tellPrinted } from './printed.ts';

/** Where a rotation function shows something. */
export type Place = 'reports' | 'notes' | 'traces' | 'answers' | 'errors' | 'what the rotator prints';

/** What a rotation function has shown. */
interface Recording {
  readonly reports: StepReport[];
  /** Everything, by where it was shown. */
  readonly shown: ReadonlyMap<Place, readonly unknown[]>;
  readonly telemetry: Telemetry;
  /** What core has said of faults of the rotator that did not stop a rotation. */
  readonly faults: readonly string[];
  show(place: Place, what: unknown): void;
}

function record(): Recording {
  const [reports, faults]: [StepReport[], string[]] = [[], []];
  const shown = new Map<Place, unknown[]>();
  const show: Recording['show'] = (place, what) => {
    const before = shown.get(place);
    if (before === undefined) shown.set(place, [what]);
    else before.push(what);
  };
  return {
    reports,
    faults,
    shown,
    show,
    telemetry: {
      stepStarted: (step) => show('reports', step),
      stepEnded: (report) => {
        reports.push(report);
        show('reports', report);
      },
      note: (_step, message) => {
        if (/^The rotator .* has a fault: /.test(message)) faults.push(message);
        show('notes', message);
      },
      trace: (name, call) => {
        show('traces', name);
        return call();
      },
    },
  };
}

/**
 * How Lambda delivers an event. `again`: twice more when it is done, to the same process and to another. `twice-at-once`: to two
 * processes at once.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html
 */
export type Delivery = 'once' | 'again' | 'twice-at-once';

/** A secret at a local Secrets Manager, whose rotation function serves the rotator. */
export interface RotatedSecret extends Pick<Recording, 'reports' | 'shown'> {
  /** Rotates, or only tests whether a rotation could work. Answers why that failed, or undefined. */
  rotate(settings?: {
    readonly immediately?: boolean;
    readonly delivery?: Delivery;
  }): Promise<string | undefined>;
  versions(): Promise<StoredVersion[]>;
  /** Everything that must not be shown: values of the secret's versions and of the admin secret, and RotationTokens. */
  secretValues(): Promise<string[]>;
}

/** Stores an account's secret while `use` runs. Calls go through the real SDK, over HTTP. */
export async function withSecret(
  rotator: Rotator,
  account: TestAccount,
  use: (secret: RotatedSecret) => Promise<void>,
): Promise<void> {
  const { local, client, functionClient, close } = await startTestSecretsManager();
  const { telemetry, faults, show, ...recording } = record();
  const tokens: string[] = [];
  const failures: string[] = [];
  let delivery: Delivery = 'once';
  const createHandler = () =>
    createRotationHandler({
      rotators: [rotator],
      client: functionClient,
      telemetry,
      environment: {},
      configuration: { defaultRotator: rotator.name },
    });
  const [handler, handlerElsewhere] = [createHandler(), createHandler()];
  const functionArn = local.registerFunction('rotate', async (event, context) => {
    if (event.RotationToken !== undefined) tokens.push(event.RotationToken);
    const deliverTo = async (one: typeof handler): Promise<void> => {
      const printed = (text: string) => show('what the rotator prints', text);
      const answer = await tellPrinted(printed, () => one(event, context)).catch((error: unknown) => {
        show('errors', error);
        throw error;
      });
      show('answers', answer);
    };
    if (delivery === 'twice-at-once') {
      const both = await Promise.allSettled([handler, handlerElsewhere].map(deliverTo));
      for (const one of both) if (one.status === 'rejected') throw one.reason;
      return;
    }
    await deliverTo(handler);
    if (delivery === 'once') return;
    await deliverTo(handler);
    await deliverTo(handlerElsewhere);
  });
  local.on((event) => {
    if (event.type === 'rotation-failed') failures.push(event.error);
  });
  try {
    const { arn } = await storeAccount(client, account);
    const versions = () => storedVersions(client, arn);
    await use({
      ...recording,
      versions,
      rotate: async ({ immediately: RotateImmediately = true, delivery: asked = 'once' } = {}) => {
        delivery = asked;
        failures.length = 0;
        const rules = { RotationLambdaARN: functionArn, RotationRules: { AutomaticallyAfterDays: 30 } };
        const request = { SecretId: arn, ClientRequestToken: randomUUID(), RotateImmediately, ...rules };
        await client.send(new RotateSecretCommand(request));
        await local.rotationsSettled(arn);
        return failures.at(-1);
      },
      secretValues: async () => {
        const texts = (await versions()).flatMap(({ text }) => text ?? []);
        const values = texts.flatMap((text) => sensitiveValues(documentOf(text, account.tags)));
        const { admin } = account;
        const adminValues = admin === undefined ? [] : sensitiveValues({ fields: admin, sensitive: [] });
        return [...values, ...adminValues, ...tokens];
      },
    });
    assert.ok(faults.length === 0, faults[0]);
  } finally {
    await close();
  }
}

/** @param failure what `rotate` has answered */
export function assertSucceeded(failure: string | undefined): void {
  assert.ok(failure === undefined, `The rotation has failed: ${failure}`);
}
