import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import type { Environment } from './configuration.ts';
import { missing } from './optional-package.ts';
import type { StepReport, Telemetry } from './telemetry.ts';

/** How invocations and the remote calls in them are traced. */
export interface Tracing extends Pick<Telemetry, 'trace'> {
  /** Runs an invocation in a span of its own. @param traceHeader see {@link traceHeaderOf} */
  invocation<T>(context: Context, traceHeader: string | undefined, run: () => Promise<T>): Promise<T>;
  /** Adds a step's result to the trace: codes and names only, no message and no value. */
  stepEnded(report: StepReport): void;
}

/** How long an invocation waits for its spans to be written, in ms. After it, Lambda may freeze the process. */
const longestFlushMs = 2_000;

/**
 * Traces by OpenTelemetry's API. A layer, such as AWS's ADOT, registers the SDK behind it. Each invocation has its own
 * context, so several at once in one process don't mix.
 *
 * @throws DriverMissing
 */
export async function loadOpenTelemetry(serviceName: string): Promise<Tracing> {
  const { context, propagation, SpanKind, SpanStatusCode, trace } = await loadApi();
  const tracer = trace.getTracer('keyturn');

  /** The parent is the layer's span, if there is one, and otherwise the span of Lambda's own trace. */
  const parentOf = (header: string | undefined) => {
    const active = context.active();
    if (trace.getSpan(active) !== undefined || header === undefined) return active;
    return propagation.extract(active, { 'x-amzn-trace-id': header });
  };

  const flush = async (): Promise<void> => {
    // The API can't flush. A layer has its own copy of the API, so `instanceof` does not work.
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
            // Only the code. The message is in the log, which fewer people can read.
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
          // Only the flag: the error has not been masked yet.
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

async function loadApi() {
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    return missing('@opentelemetry/api')(error);
  }
}

/**
 * The trace header that Lambda gives an invocation. If a process runs many invocations at once, it is in the runtime's
 * store. Otherwise it is in a variable, which holds the newest invocation's: read it before the first await.
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

/** A method of an object whose class is unknown here. */
function memberOf(owner: unknown, name: string): (() => unknown) | undefined {
  const method: unknown = isObject(owner) ? Reflect.get(owner, name) : undefined;
  return typeof method === 'function' ? () => method.call(owner) : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
