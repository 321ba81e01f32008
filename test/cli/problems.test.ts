import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { runKeyturnAlone } from './keyturn-process.ts';

/** An endpoint that refuses everything with one of AWS's errors. */
async function startRefusing(type: string, message: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(400, { 'Content-Type': 'application/x-amz-json-1.1', 'x-amzn-ErrorType': type });
    response.end(JSON.stringify({ __type: type, message }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address');
  return `http://127.0.0.1:${address.port}`;
}

const folder = mkdtempSync(join(tmpdir(), 'keyturn-profiles-'));
afterAll(() => rmSync(folder, { recursive: true }));
const profiles = join(folder, 'config');
writeFileSync(
  profiles,
  '[default]\nregion = us-east-1\n[profile "dev team"]\n[sso-session mine]\n[ profile prod ]\nregion = eu-west-1\n',
);

describe('what goes wrong on the way to AWS', () => {
  it.each([
    ['no credentials', { AWS_REGION: 'us-east-1' }, ['No AWS credentials were found', 'aws sso login']],
    ['no region', {}, ['No region is set', '--region']],
    [
      'a profile that there is not',
      { AWS_REGION: 'us-east-1', AWS_PROFILE: 'nope', AWS_CONFIG_FILE: profiles },
      ["AWS_PROFILE names the profile 'nope'", 'Set it to one of: default, dev team, prod;'],
    ],
    [
      'a profile that there is not, and no region',
      { AWS_PROFILE: 'nope', AWS_CONFIG_FILE: profiles },
      ["AWS_PROFILE names the profile 'nope'"],
    ],
    [
      'no profile at all',
      { AWS_REGION: 'us-east-1', AWS_PROFILE: 'nope', AWS_CONFIG_FILE: '/dev/null' },
      ["AWS_PROFILE names the profile 'nope'", 'aws configure'],
    ],
    [
      'a profile without credentials',
      { AWS_REGION: 'us-east-1', AWS_PROFILE: 'prod', AWS_CONFIG_FILE: profiles },
      ['No AWS credentials were found', 'aws sso login'],
    ],
    [
      'nobody there',
      { AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' },
      ['ECONNREFUSED', 'Nobody answers there'],
    ],
  ])('is told in one line: %s', async (_name, variables, parts) => {
    const { code, stdout, stderr } = await runKeyturnAlone(variables, 'status', 'prod/app');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    for (const part of parts) expect(stderr).toContain(part);
  });

  it.each([
    ['AccessDeniedException', 'User is not authorized', 'Have secretsmanager:DescribeSecret allowed to you.'],
    ['ExpiredTokenException', 'The security token is expired', 'Log in anew'],
    ['InternalServiceError', 'Something broke', 'InternalServiceError'],
  ])('is told with a remedy: %s', async (type, message, remedy) => {
    const AWS_ENDPOINT_URL = await startRefusing(type, message);
    const { code, stderr } = await runKeyturnAlone(
      { AWS_ENDPOINT_URL, AWS_MAX_ATTEMPTS: '1' },
      'status',
      'prod/app',
    );
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain(remedy);
  });
});
