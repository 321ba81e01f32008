import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyturn, strategies, template } from './rotation/contenders.ts';
import { type Case, measureCase } from './rotation/measure.ts';
import { formatReport, type RotationReport } from './rotation/report.ts';
import { startServers } from './rotation/servers.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { describeMachine } from './support/machine.ts';

const addedLatenciesMs = [0, 5, 20];
const networks = [
  ...addedLatenciesMs.map((addedLatencyMs) => ({ addedLatencyMs, tls: false })),
  { addedLatencyMs: 20, tls: true },
];

const usage = {
  name: 'rotation',
  about: `Measures rotations of Postgres by Keyturn and by AWS's Python templates, at the same local Secrets Manager and the
same PostgreSQL. Each round trip gets ${addedLatenciesMs.join(', ')} ms of added latency. The last one is measured with TLS too.`,
  options: {
    templates: {
      type: 'string',
      placeholder: 'PATH',
      about: 'A checkout of aws-samples/aws-secrets-manager-rotation-lambdas',
      variable: 'KEYTURN_BENCH_TEMPLATES',
    },
    python: {
      type: 'string',
      placeholder: 'PATH',
      about: 'A Python with boto3 and PyGreSQL',
      variable: 'KEYTURN_BENCH_PYTHON',
    },
    rotations: {
      type: 'string',
      placeholder: 'N',
      about: 'Rotations for each time, which is their median; 10 if absent',
    },
  },
} as const satisfies BenchUsage;

const skipped = "AWS's templates are skipped: give a checkout of them (--templates) and a Python (--python).";

await runBench(usage, async ({ templates, python, rotations: count = '10' }) => {
  const rotations = readCount('rotations', count);
  const complete = templates !== undefined && python !== undefined;
  const opponents = complete ? [await template(templates, python)] : [];
  if (!complete) progress(skipped);
  await using resources = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'keyturn-bench-'));
  resources.defer(() => rm(folder, { recursive: true }));
  const contenders = [await keyturn(folder), ...opponents];

  const servers = await startServers(folder, resources);
  const cases: Case[] = [];
  for (const strategy of strategies) {
    for (const network of networks) {
      progress(`${strategy}, +${network.addedLatencyMs} ms${network.tls ? ', TLS' : ''}`);
      cases.push(await measureCase(servers, { strategy, ...network, contenders, rotations }));
    }
  }
  const programs = Object.assign(
    { PostgreSQL: servers.postgresVersion },
    ...contenders.map((c) => c.programs),
  );
  const data: RotationReport = {
    machine: await describeMachine(programs),
    rotations,
    cases,
    ...(complete ? {} : { skipped }),
  };
  return { text: formatReport(data), data };
});
