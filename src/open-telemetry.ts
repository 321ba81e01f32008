import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import type { Environment } from './configuration.ts';
import { missing } from './optional-package.ts';
import type { StepReport, Telemetry } from './telemetry.ts';

/** How invocations and the remote calls in them are traced. */
export interface Tracing extends Pick<Telemetry, 'trace'> {
  /** Runs an invocation in a span of its own. @param traceHeader see {@link traceHeaderOf} */
  invocation<T>(context: Context, traceHeader: string | undefined, run: () => Promise<T>): Promise<T>;
  /** Tells the trace what a step came to. Codes and names only: no message, and no value. */
  stepEnded(report: StepReport): void;
}

/** For as long, in ms, an invocation waits for its spans to be written: then Lambda may freeze the process. */
const longestFlushMs = 2_000;

/**
 * Traces by OpenTelemetry's API. Which SDK is behind it, if any, is not the function's choice: a layer registers one,
 * such as AWS's ADOT. Each invocation has a context of its own, so that many at once in one process don't mix.
 *
 * @throws DriverMissing
 */
export async function loadOpenTelemetry(serviceName: string): Promise<Tracing> {
  const { context, propagation, SpanKind, SpanStatusCode, trace } = await import('@opentelemetry/api').catch(
    missing('@opentelemetry/api'),
  );
  const tracer = trace.getTracer('keyturn');

  /** By the span that Lambda's own trace has for the invocation, unless the layer has made one. */
  const parentOf = (header: string | undefined) => {
    const active = context.active();
    if (trace.getSpan(active) !== undefined || header === undefined) return active;
    return propagation.extract(active, { 'x-amzn-trace-id': header });
  };

  const flush = async (): Promise<void> => {
    // The API has no word for this, and a layer has a copy of the API of its own, so that no class tells what it is.
    const provider = memberOf(trace.getTracerProvider(), 'getDelegate')?.() ?? trace.getTracerProvider();
    const write = memberOf(provider, 'forceFlush');
    if (write === undefined) return;
    const given = new AbortController();
    const flushed = (async () => write())().catch(() => undefined);
    await Promise.race([
      flushed,
      sleep(longestFlushMs, undefined, { signal: given.signal, ref: false }).catch(() => undefined),
    ]);
    given.abort();
  };

  return {
    invocation: async ({ awsRequestId, invokedFunctionArn }, traceHeader, run) => {
      const attributes = { 'faas.invocation_id': awsRequestId, 'aws.lambda.invoked_arn': invokedFunctionArn };
      const options = { kind: SpanKind.SERVER, attributes };
      try {
        return await tracer.startActiveSpan(serviceName, options, parentOf(traceHeader), async (span) => {
          try {
            return await run();
          } catch (error) {
            // The code alone: a message is for the log, whose readers are fewer.
            span.setStatus({ code: SpanStatusCode.ERROR });
            throw error;
          } finally {
            span.end();
          }
        });
      } finally {
        await flush();
      }
    },

    trace: (name, call) =>
      tracer.startActiveSpan(name, { kind: SpanKind.CLIENT }, async (span) => {
        try {
          return await call();
        } catch (error) {
          // The flag alone: the error itself has not been masked yet.
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),

    stepEnded: ({ secretArn, versionId, step, rotator = 'unknown', outcome, errorCode = 'none' }) => {
      trace.getActiveSpan()?.setAttributes({
        'keyturn.secret_arn': secretArn,
        'keyturn.version_id': versionId,
        'keyturn.step': step,
        'keyturn.rotator': rotator,
        'keyturn.outcome': outcome,
        'keyturn.error_code': errorCode,
      });
    },
  };
}

/**
 * The trace that Lambda gives an invocation. Where a process has many at once, it is in the runtime's store; elsewhere in
 * a variable, which holds the newest invocation's: so it is to be asked for before anything is waited for.
 *
 * @param environment the process's
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-nodejs-runtime.html
 */
export function traceHeaderOf(environment: Environment): string | undefined {
  const runtime: unknown = Reflect.get(globalThis, 'awslambda');
  const store: unknown = isObject(runtime) ? Reflect.get(runtime, 'InvokeStore') : undefined;
  const header = memberOf(store, 'getXRayTraceId')?.();
  return typeof header === 'string' ? header : environment._X_AMZN_TRACE_ID;
}

/** A method of something whose class is somebody else's. */
function memberOf(owner: unknown, name: string): (() => unknown) | undefined {
  const method: unknown = isObject(owner) ? Reflect.get(owner, name) : undefined;
  return typeof method === 'function' ? () => method.call(owner) : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
