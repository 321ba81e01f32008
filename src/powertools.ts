import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { type Environment, flag, text } from './configuration.ts';
import { KeyturnError } from './errors.ts';
import type { PreflightAnswer, RotationHandler } from './handler.ts';
import { loadOpenTelemetry, type Tracing, traceHeaderOf } from './open-telemetry.ts';
import { missing } from './optional-package.ts';
import { createRedactor } from './redact.ts';
import { maskNodeMessages } from './redaction/process.ts';
import type { StepReport, Telemetry } from './telemetry.ts';

/** A handler for Lambda. */
export type LambdaHandler = (event: unknown, context: Context) => Promise<PreflightAnswer | undefined>;

/** Tracing, and what middy runs for it. */
type LoadedTracing = Tracing & { readonly middleware?: middy.MiddlewareObj };

const noTracing: LoadedTracing = {
  trace: (_name, call) => call(),
  invocation: (_context, _traceHeader, run) => run(),
  stepEnded: () => undefined,
};

/** @throws InvalidConfiguration, DriverMissing */
async function loadTracing(serviceName: string, environment: Environment): Promise<LoadedTracing> {
  const tracing = text(environment, 'KEYTURN_TRACING');
  if (tracing === 'opentelemetry') return loadOpenTelemetry(serviceName);
  if (tracing !== undefined) {
    throw new KeyturnError(
      'InvalidConfiguration',
      'KEYTURN_TRACING has an unknown value.',
      'Set it to opentelemetry, or leave it empty. POWERTOOLS_TRACE_ENABLED turns on X-Ray.',
      { field: 'KEYTURN_TRACING' },
    );
  }
  return flag(environment, 'POWERTOOLS_TRACE_ENABLED') ? loadXRay(serviceName) : noTracing;
}

async function loadTracer() {
  try {
    const { Tracer } = await import('@aws-lambda-powertools/tracer');
    const { captureLambdaHandler } = await import('@aws-lambda-powertools/tracer/middleware');
    return { Tracer, captureLambdaHandler };
  } catch (error) {
    return missing('@aws-lambda-powertools/tracer')(error);
  }
}

/**
 * X-Ray's SDK costs more at a cold start than all the rest, so it is loaded only if it is asked for. AWS only maintains it.
 * It mixes the traces of invocations that run at once in one process.
 * @see https://docs.aws.amazon.com/xray/latest/devguide/xray-sdk-daemon-timeline.html
 */
async function loadXRay(serviceName: string): Promise<LoadedTracing> {
  const { Tracer, captureLambdaHandler } = await loadTracer();
  // Otherwise it would trace each HTTP request: its path, which can be a credential, and unmasked errors.
  const tracer = new Tracer({ serviceName, captureHTTPsRequests: false });
  const trace: Telemetry['trace'] = <T>(name: string, call: () => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      tracer.provider.captureAsyncFunc(name, (span) =>
        call()
          .then(resolve, (error: unknown) => {
            // Only a flag: the error is not masked yet.
            span?.addErrorFlag();
            reject(error);
          })
          .finally(() => span?.close()),
      );
    });
  return { ...noTracing, trace, middleware: captureLambdaHandler(tracer, { captureResponse: false }) };
}

/** Writes the core's reports as Powertools' JSON log lines and CloudWatch metrics (EMF). */
function createTelemetry(logger: Logger, metrics: Metrics, tracing: Tracing): Telemetry {
  return {
    trace: tracing.trace,
    redactWith: maskNodeMessages,
    stepStarted: (step) => logger.info('Rotation step started', { ...step }),
    note: (step, message) => logger.warn(message, { ...step }),
    stepEnded: (report) => {
      if (report.outcome === 'failed') logger.error('Rotation step failed', { ...report });
      else logger.info('Rotation step ended', { ...report });
      addMetrics(metrics, report);
      tracing.stepEnded(report);
    },
  };
}

function addMetrics(metrics: Metrics, report: StepReport): void {
  metrics.addMetric('StepDuration', MetricUnit.Milliseconds, report.durationMs);
  metrics.addMetric(report.outcome === 'failed' ? 'StepFailed' : 'StepSucceeded', MetricUnit.Count, 1);
  metrics.addMetric('SecretsManagerCalls', MetricUnit.Count, report.secretsManagerCalls);
  if (report.gapMs !== undefined) metrics.addMetric('CredentialGap', MetricUnit.Milliseconds, report.gapMs);
  const { secretArn, step, rotator = 'unknown', outcome, errorCode = 'none' } = report;
  metrics.addMetadata('secretArn', secretArn);
  metrics.addMetadata('step', step);
  metrics.addMetadata('rotator', rotator);
  metrics.addMetadata('outcome', outcome);
  metrics.addMetadata('errorCode', errorCode);
}

/**
 * Makes a handler for Lambda of a rotation handler. It adds Powertools' log and metrics. POWERTOOLS_TRACE_ENABLED=true adds
 * X-Ray's traces, KEYTURN_TRACING=opentelemetry those of OpenTelemetry's API.
 *
 * The first invocation calls `create`. If that fails, the invocation fails with its error, masked, and the next one calls
 * `create` again.
 *
 * @param environment the variables of the process
 * @param create makes the handler
 * @returns a handler that throws what the rotation handler throws. Also InvalidConfiguration for an unknown
 * KEYTURN_TRACING, and DriverMissing if the package for traces is not installed
 */
export function createLambdaHandler(
  environment: Environment,
  create: (telemetry: Telemetry) => RotationHandler,
): LambdaHandler {
  const serviceName = text(environment, 'POWERTOOLS_SERVICE_NAME') ?? 'keyturn';
  const namespace = text(environment, 'POWERTOOLS_METRICS_NAMESPACE') ?? 'Keyturn';
  type Traced = (
    event: unknown,
    context: Context,
    traceHeader: string | undefined,
  ) => ReturnType<LambdaHandler>;
  let loading: Promise<Traced> | undefined;

  const load = async (): Promise<Traced> => {
    const tracing = await loadTracing(serviceName, environment);
    const logger = new Logger({ serviceName });
    const metrics = new Metrics({ namespace, serviceName });
    const rotate = create(createTelemetry(logger, metrics, tracing));
    const handler = middy<unknown, PreflightAnswer | undefined, Error, Context>()
      // The event holds the RotationToken, so it is never logged, whatever POWERTOOLS_LOGGER_LOG_EVENT says.
      .use(injectLambdaContext(logger, { logEvent: false }))
      .use(logMetrics(metrics));
    if (tracing.middleware !== undefined) handler.use(tracing.middleware);
    const rotated = handler.handler((event, context) => rotate(event, context));
    return (event, context, traceHeader) =>
      tracing.invocation(context, traceHeader, () => rotated(event, context));
  };
  return async (event, context) => {
    const traceHeader = traceHeaderOf(environment);
    loading ??= load();
    const handler = await loading.catch((error: unknown) => {
      loading = undefined;
      throw createRedactor().publicError(error);
    });
    return handler(event, context, traceHeader);
  };
}
