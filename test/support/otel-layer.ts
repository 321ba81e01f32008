import { AWSXRayPropagator } from '@opentelemetry/propagator-aws-xray';
import { NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node';

/**
 * A stand-in for the Lambda layer of OpenTelemetry. It registers the SDK, with AWS's propagator, before the function is
 * loaded. Spans are kept until they are flushed. Then each is printed as a line of JSON.
 */
const ended: ReadableSpan[] = [];
const writing = {
  onStart: () => undefined,
  onEnd: (span: ReadableSpan) => void ended.push(span),
  forceFlush: async () => {
    for (const span of ended.splice(0)) {
      const { name, parentSpanContext, kind, attributes, status } = span;
      const { traceId, spanId } = span.spanContext();
      const parent = parentSpanContext?.spanId;
      console.log(JSON.stringify({ span: name, traceId, spanId, parent, kind, attributes, status }));
    }
  },
  shutdown: async () => undefined,
};
new NodeTracerProvider({ spanProcessors: [writing] }).register({ propagator: new AWSXRayPropagator() });
