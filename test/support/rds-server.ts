import { createServer, type Server } from 'node:http';

/**
 * A stand-in for the RDS API, which needs an AWS account: the two describe calls in RDS's XML, read by the real SDK. It
 * proves that Keyturn sends and reads these calls correctly, not what RDS would answer.
 */
export function startRds(instances: Record<string, string>, clusters: Record<string, string>): Server {
  return createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const query = new URLSearchParams(body);
      const action = query.get('Action') ?? '';
      const found =
        instances[query.get('DBInstanceIdentifier') ?? ''] ??
        clusters[query.get('DBClusterIdentifier') ?? ''];
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'text/xml' });
      response.end(
        found === undefined
          ? '<ErrorResponse><Error><Code>DBInstanceNotFound</Code><Message>not found</Message></Error></ErrorResponse>'
          : `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><${action}Result>${found}</${action}Result></${action}Response>`,
      );
    });
  });
}

/** An instance, in RDS's XML. */
export const instance = (address: string, port: number, source = '') =>
  `<DBInstances><DBInstance><Engine>postgres</Engine><Endpoint><Address>${address}</Address><Port>${port}</Port></Endpoint>${
    source && `<ReadReplicaSourceDBInstanceIdentifier>${source}</ReadReplicaSourceDBInstanceIdentifier>`
  }</DBInstance></DBInstances>`;
