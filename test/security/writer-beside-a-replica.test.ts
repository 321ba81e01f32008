import { once } from 'node:events';
import { RDSClient } from '@aws-sdk/client-rds';
import { describe, expect, it } from 'vitest';
import { postgresAlternatingUsers } from '../../rotators/postgres/index.ts';
import {
  adminSecret,
  asAdmin,
  canLogIn,
  createLogin,
  secretOf,
  sharedOptions,
} from '../support/postgres-fixtures.ts';
import { instance, startRds } from '../support/rds-server.ts';
import { startFixture } from '../support/rotation-fixture.ts';

/*
 * Mallory may write one secret, whose server is a read replica on RDS, and runs a server of his own.
 */
const primary = 'primary.abc123.us-east-1.rds.amazonaws.com';
const replica = 'replica.abc123.us-east-1.rds.amazonaws.com';

describe('whoever may only write a secret of a read replica', () => {
  it('proves nothing to the admin of its source by a further host of his own', async () => {
    const victim = await createLogin('victim');
    const server = startRds({ replica: instance(replica, 5432, 'primary') }, {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port.');
    const rds = new RDSClient({
      endpoint: `http://127.0.0.1:${address.port}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'k', secretAccessKey: 's' },
    });
    const real = postgresAlternatingUsers(sharedOptions());
    const here = adminSecret();
    const parsed = real.parse(here);
    // RDS's names lead to the shared server. Mallory's, behind the replica's closed port, accepts every password.
    const rotator: typeof real = {
      ...real,
      open: (credential, context) => {
        const isAdmin = credential.username === here.username;
        const { pair, database } = credential;
        const there = { ...credential, endpoints: parsed.endpoints };
        if (isAdmin) return real.open(there, context);
        const [, own] = credential.endpoints;
        return real.open(own?.host === 'evil.example.com' ? { ...parsed, pair, database } : there, context);
      },
    };
    const fixture = await startFixture({ rotators: [rotator], createRdsClient: () => rds });
    try {
      const masterarn = await fixture.createSecret({ ...here, host: primary });
      const place = { host: `${replica}:1,evil.example.com`, port: undefined };
      const value = { ...secretOf({ ...victim, password: 'guessed' }), ...place, masterarn };
      const arn = await fixture.createSecret(value);
      expect(await fixture.rotate(arn)).toMatch(/^AccountNotServed/);
      const made = await asAdmin((client) =>
        client.query('SELECT FROM pg_roles WHERE rolname = $1', [`${victim.username}_clone`]),
      );
      expect(made.rowCount).toBe(0);
      expect(await canLogIn(victim)).toBe(true);
    } finally {
      await fixture.close();
      rds.destroy();
      server.close();
    }
  });
});
