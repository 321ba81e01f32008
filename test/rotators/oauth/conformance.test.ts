import { afterAll } from 'vitest';
import { describeRotator } from '../../../src/testing/index.ts';
import { startOAuthServer } from '../../support/oauth/server.ts';
import { oauthHarness } from './harness.ts';

const server = await startOAuthServer({ leewayMs: 3_600_000 });
afterAll(server.stop);

for (const kind of ['client-secret', 'refresh-token', 'client-credentials'] as const)
  describeRotator(`OAuth, ${kind}`, oauthHarness(server, { kind }));
for (const kind of ['refresh-token', 'client-credentials'] as const)
  describeRotator(`OAuth, ${kind}, at once`, oauthHarness(server, { kind, revocation: 'at-once' }));
