import { readFile } from 'node:fs/promises';
import { afterAll, expect, inject, it } from 'vitest';
import { describeRotator } from '../../src/testing/index.ts';
import { postgresHarness } from '../rotators/postgres/harness.ts';
import { sketch } from './sql-engine-rotator.ts';

/** A real Postgres stands in for the engine of the sketch: it understands the sketch's SQL. */
for (const kind of ['single', 'alternating'] as const) {
  const postgres = inject('postgres');
  const { stop, account, busy } = postgresHarness(postgres, kind);
  afterAll(stop);
  describeRotator(`the sketch of a SQL engine, ${kind}`, {
    rotator: sketch({ kind, ca: postgres.ca }),
    account: async () => {
      const made = await account();
      const asExample = (secret: unknown) => Object.assign({}, secret, { engine: 'example-sql' });
      return {
        ...made,
        secret: asExample(made.secret),
        ...(made.admin && { admin: asExample(made.admin) }),
      };
    },
    ...(busy && { busy }),
  });
}

it('is shown in docs/rotators.md as it is, and is about a page', async () => {
  const read = (file: string): Promise<string> => readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  const [, shown = ''] =
    /^```ts\n(import [^`]*?keyturn\/rotators\/database.*?)^```$/ms.exec(await read('docs/rotators.md')) ?? [];
  const sketched = (await read('examples/sql-engine.ts'))
    .replace('../src/rotator/index.ts', 'keyturn/rotator')
    .replace('../rotators/database/index.ts', 'keyturn/rotators/database');
  expect(shown).toBe(sketched);
  expect(shown.split('\n').length).toBeLessThanOrEqual(130);
});
