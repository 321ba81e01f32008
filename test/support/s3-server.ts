import { once } from 'node:events';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A call, by the action that a policy must allow for it. */
export interface S3Call {
  readonly accessKeyId: string;
  readonly action: 's3:GetObject' | 's3:PutObject' | 's3:ListBucket';
}

/** A stand-in for S3 that is running. */
export interface S3Server {
  readonly url: string;
  /** Its objects, by `BUCKET/KEY`. */
  readonly objects: Map<string, Buffer>;
  /** The calls in their order. */
  readonly calls: S3Call[];
  close(): Promise<void>;
}

/**
 * A stand-in for S3, which needs an AWS account. It puts, gets and lists objects by path. It knows the buckets that it is
 * given, and answers NoSuchBucket and NoSuchKey as S3 does.
 *
 * @param allows whether a caller may make a call. Default: everybody may do everything
 */
export async function startS3(
  buckets: readonly string[],
  allows: (call: S3Call) => boolean = () => true,
): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const calls: S3Call[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? '/', 'http://s3');
      const [bucket = '', ...rest] = url.pathname.slice(1).split('/');
      const key = rest.map(decodeURIComponent).join('/');
      const body = await buffer(request);
      const fail = (status: number, code: string): void => {
        response.writeHead(status, { 'content-type': 'application/xml' });
        response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
      };
      const accessKeyId = /Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const read = key === '' ? 's3:ListBucket' : 's3:GetObject';
      const call: S3Call = { accessKeyId, action: request.method === 'PUT' ? 's3:PutObject' : read };
      calls.push(call);
      if (!allows(call)) return fail(403, 'AccessDenied');
      if (!buckets.includes(bucket)) return fail(404, 'NoSuchBucket');
      const name = `${bucket}/${key}`;
      if (request.method === 'PUT') {
        objects.set(name, contentOf(body, request.headers['content-encoding']));
        response.writeHead(200, { etag: '"1"' });
        return response.end();
      }
      if (request.method === 'GET' && key === '') {
        const prefix = url.searchParams.get('prefix') ?? '';
        const keys = [...objects.keys()]
          .filter((one) => one.startsWith(`${bucket}/${prefix}`))
          .map((one) => one.slice(bucket.length + 1))
          .sort();
        const contents = keys.map((one) => `<Contents><Key>${one}</Key><Size>1</Size></Contents>`).join('');
        response.writeHead(200, { 'content-type': 'application/xml' });
        return response.end(
          `<ListBucketResult><Name>${bucket}</Name><KeyCount>${keys.length}</KeyCount><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`,
        );
      }
      const found = objects.get(name);
      if (found === undefined) return fail(404, 'NoSuchKey');
      response.writeHead(200, { 'content-type': 'application/octet-stream', etag: '"1"' });
      return response.end(found);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    objects,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The content of a body. If the SDK adds a checksum at the end, the body comes in chunks, each with its length. */
function contentOf(body: Buffer, encoding: string | undefined): Buffer {
  if (!encoding?.includes('aws-chunked')) return body;
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const length = Number.parseInt(body.toString('latin1', at, end).split(';')[0] ?? '0', 16);
    if (!(length > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}
