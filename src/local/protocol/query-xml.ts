import { randomUUID } from 'node:crypto';
import type { ServiceError } from '../errors.ts';
import type { Reply } from './http.ts';

/** Errors that have another name or status in the query protocol. */
const codesByError: Readonly<Record<string, { readonly code: string; readonly status?: number }>> = {
  AccessDeniedException: { code: 'AccessDenied', status: 403 },
  ExpiredTokenException: { code: 'ExpiredToken', status: 403 },
  IncompleteSignatureException: { code: 'IncompleteSignature' },
  InvalidSignatureException: { code: 'SignatureDoesNotMatch', status: 403 },
  MalformedPolicyDocumentException: { code: 'MalformedPolicyDocument' },
  MissingAuthenticationTokenException: { code: 'MissingAuthenticationToken', status: 403 },
  UnknownOperationException: { code: 'InvalidAction' },
  UnrecognizedClientException: { code: 'InvalidClientTokenId', status: 403 },
  ValidationException: { code: 'ValidationError' },
};

/** An XML element with a text in it. */
export function element(name: string, text: string): string {
  return `<${name}>${escaped(text)}</${name}>`;
}

/**
 * An error in AWS's query protocol.
 * @param namespace of the XML, such as `https://sts.amazonaws.com/doc/2011-06-15/`
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
export function queryError({ type, message, status }: ServiceError, namespace?: string): Reply {
  const { code, status: own = status } = codesByError[type] ?? { code: type };
  const requestId = randomUUID();
  const kind = own < 500 ? 'Sender' : 'Receiver';
  const error = element('Type', kind) + element('Code', code) + element('Message', message);
  const attribute = namespace === undefined ? '' : ` xmlns="${namespace}"`;
  return {
    status: own,
    headers: { 'Content-Type': 'text/xml', 'x-amzn-RequestId': requestId },
    content: `<ErrorResponse${attribute}><Error>${error}</Error>${element('RequestId', requestId)}</ErrorResponse>`,
  };
}

/** Escapes a text for XML. Characters that XML can't hold, not even escaped, are left out. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
