import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Generator, startGenerator } from './local/load.ts';
import { formatReport, type LocalReport } from './local/report.ts';
import { measureRotations, type RotationFigures } from './local/rotations.ts';
import { measureScale } from './local/scale.ts';
import { type ServerProcess, startFixedAnswer, startKeyturn, startMoto } from './local/servers.ts';
import { measureThroughput, type Throughput, type ThroughputOptions } from './local/throughput.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { describeMachine } from './support/machine.ts';

const connections = 8;
const rotationCounts = [100, 1_000, 10_000];

const usage = {
  name: 'local',
  about: `Measures the local Secrets Manager: operations per second over ${connections} connections, compared with moto's server
and with a server that gives every request the same answer; ${rotationCounts.join(', ')} rotations in one window; a large folder.`,
  options: {
    python: {
      type: 'string',
      placeholder: 'PATH',
      about: 'A Python with moto[server,secretsmanager]; without it moto is skipped',
      variable: 'KEYTURN_BENCH_MOTO_PYTHON',
    },
    seconds: {
      type: 'string',
      placeholder: 'N',
      about: 'Seconds for each operation, server and round; 3 if absent',
    },
    rounds: {
      type: 'string',
      placeholder: 'N',
      about: 'Rounds for each figure, which is their median; 3 if absent',
    },
    secrets: { type: 'string', placeholder: 'N', about: 'Secrets in the large folder; 100000 if absent' },
    reads: {
      type: 'string',
      placeholder: 'N',
      about: 'Reads of secrets in the large folder; 1000000 if absent',
    },
  },
} as const satisfies BenchUsage;

const skipped = 'moto is skipped: give a Python that has moto[server,secretsmanager] (--python).';

async function motoVersions(python: string): Promise<Record<string, string>> {
  const program =
    'import json, platform; from importlib.metadata import version; ' +
    'print(json.dumps({"Python": platform.python_version(), "moto": version("moto")}))';
  const { stdout } = await promisify(execFile)(python, ['-c', program]).catch(() => {
    throw new Error(`--python: ${python} is no Python with moto.`);
  });
  return JSON.parse(stdout);
}

/** Starts all servers, measures them in turns, and stops them. */
async function compareServers(
  scratch: string,
  generator: Generator,
  { python, ...options }: ThroughputOptions & { readonly python: string | undefined },
): Promise<Throughput[]> {
  await using running = new AsyncDisposableStack();
  const servers = new Map<string, ServerProcess>();
  const add = async (name: string, starting: Promise<ServerProcess>): Promise<void> => {
    const server = await starting;
    running.defer(() => server.stop());
    servers.set(name, server);
  };
  await add('keyturn --data', startKeyturn(scratch, join(scratch, 'throughput')));
  await add('keyturn', startKeyturn(scratch));
  if (python !== undefined) await add('moto', startMoto(scratch, python));
  await add('fixed answer', startFixedAnswer(scratch));
  // Without await, the servers would stop before the measurement.
  return await measureThroughput(servers, generator, options);
}

await runBench(usage, async (values) => {
  const { python } = values;
  const timing = {
    seconds: readCount('seconds', values.seconds ?? '3'),
    rounds: readCount('rounds', values.rounds ?? '3'),
  };
  const secrets = readCount('secrets', values.secrets ?? '100000');
  const reads = readCount('reads', values.reads ?? '1000000');
  if (python === undefined) progress(skipped);
  const programs = python === undefined ? {} : await motoVersions(python);
  await using resources = new AsyncDisposableStack();
  const scratch = await mkdtemp(join(tmpdir(), 'keyturn-bench-'));
  resources.defer(() => rm(scratch, { recursive: true }));
  const generator = startGenerator();
  resources.defer(() => generator.stop());

  const throughput = await compareServers(scratch, generator, { python, connections, ...timing });

  const rotations: RotationFigures[] = [];
  for (const count of rotationCounts) {
    progress(`${count} rotations`);
    rotations.push(await measureRotations(scratch, count));
  }
  progress(`${secrets} secrets, ${reads} reads`);
  const scale = await measureScale(scratch, join(scratch, 'scale'), generator, {
    secrets,
    reads,
    connections,
  });
  const data: LocalReport = {
    machine: await describeMachine(programs),
    connections,
    throughput,
    rotations,
    scale,
    ...(python === undefined && { skipped }),
  };
  return { data, text: formatReport(data) };
});
