import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../errors.ts';
import { credentialOf, mediaTypeOf, type Protocol, type Reply } from './http.ts';
import { element, queryError } from './query-xml.ts';

/** Services that are served here, by their names in signatures. */
const ownServices = new Set(['secretsmanager', 'lambda', 'sts']);
/** Services of the REST XML protocol. Their errors are like those of the query protocol. */
const restXmlServices = new Set(['cloudfront', 'route53']);

/**
 * Tells clients of other services that they are at the wrong address, in their own protocol. One URL for all services
 * (AWS_ENDPOINT_URL) brings them here.
 */
export function createOtherServices(): Protocol {
  const refuse = (request: IncomingMessage, error: ServiceError): Reply => errorFor(request, error);
  return {
    speaks: (request) => {
      const { service } = credentialOf(request);
      return service !== undefined && !ownServices.has(service);
    },
    async answer(request) {
      const { service = '' } = credentialOf(request);
      return refuse(
        request,
        new ServiceError(
          'UnknownOperationException',
          `This is Keyturn's local Secrets Manager, and the request is for ${service}. Set ` +
            'AWS_ENDPOINT_URL_SECRETS_MANAGER in place of AWS_ENDPOINT_URL.',
          404,
        ),
      );
    },
    refuse,
  };
}

function errorFor(request: IncomingMessage, error: ServiceError): Reply {
  const { service = '' } = credentialOf(request);
  if (request.headers['smithy-protocol'] === 'rpc-v2-cbor') return cborError(error);
  if (service === 'ec2') return ec2Error(error);
  if (service === 's3' || service === 's3express') return s3Error(error);
  if (restXmlServices.has(service) || mediaTypeOf(request) === 'application/x-www-form-urlencoded') {
    return queryError(error);
  }
  return jsonError(error);
}

/** JSON protocols have the type in the body, REST protocols in a header. The answer has both, and clients read theirs. */
function jsonError(error: ServiceError): Reply {
  return {
    status: error.status,
    headers: {
      'Content-Type': 'application/json',
      'x-amzn-ErrorType': error.type,
      'x-amzn-RequestId': randomUUID(),
    },
    content: JSON.stringify({ __type: error.type, message: error.message }),
  };
}

function ec2Error({ type, message, status }: ServiceError): Reply {
  const requestId = randomUUID();
  const error = element('Code', type) + element('Message', message);
  const content = `<Response><Errors><Error>${error}</Error></Errors>${element('RequestID', requestId)}</Response>`;
  return { status, headers: { 'Content-Type': 'text/xml' }, content };
}

function s3Error({ type, message, status }: ServiceError): Reply {
  const requestId = randomUUID();
  const error = element('Code', type) + element('Message', message) + element('RequestId', requestId);
  const headers = { 'Content-Type': 'application/xml', 'x-amz-request-id': requestId };
  return { status, headers, content: `<Error>${error}</Error>` };
}

/** @see https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html */
function cborError({ type, message, status }: ServiceError): Reply {
  const map = Buffer.concat([Buffer.of(0xa2), ...['__type', type, 'message', message].map(cborText)]);
  return {
    status,
    headers: { 'Content-Type': 'application/cbor', 'Smithy-Protocol': 'rpc-v2-cbor' },
    content: map,
  };
}

/** A text with its length in two bytes. @see https://www.rfc-editor.org/rfc/rfc8949#section-3.1 */
function cborText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const head = Buffer.of(0x79, 0, 0);
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
