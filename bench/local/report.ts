import { formatMachine, type Machine } from '../support/machine.ts';
import { figure, formatTable } from '../support/table.ts';
import { loadOperations } from './requests.ts';
import type { RotationFigures } from './rotations.ts';
import type { ScaleFigures } from './scale.ts';
import type { Throughput } from './throughput.ts';

/** The result of `bench:local`. */
export interface LocalReport {
  readonly machine: Machine;
  readonly connections: number;
  readonly throughput: readonly Throughput[];
  readonly rotations: readonly RotationFigures[];
  readonly scale: ScaleFigures;
  /** Why moto was not measured. */
  readonly skipped?: string;
}

const mebibytes = (bytes: number): string => figure(bytes / 2 ** 20);

export function formatReport(report: LocalReport): string {
  const { machine, connections, throughput, rotations, scale, skipped } = report;
  return [
    formatMachine(machine),
    '',
    `Operations per second at ${connections} connections:`,
    '',
    throughputTable(throughput),
    ...(skipped === undefined ? [] : ['', skipped]),
    '',
    'Secrets that are due in one window, kept in a folder:',
    '',
    formatTable(
      ['secrets', 'seconds', 'ms per rotation', 'peak MiB'],
      rotations.map(({ secrets, seconds, msPerRotation, peakMemory }) => [
        String(secrets),
        figure(seconds),
        figure(msPerRotation),
        mebibytes(peakMemory),
      ]),
    ),
    '',
    `${scale.secrets} secrets in a folder, made in ${figure(scale.createSeconds)} s: it listens after ` +
      `${figure(scale.startMs)} ms, with ${mebibytes(scale.memoryAtStart)} MiB.`,
    `${scale.reads} reads of all of them in turn: ${figure(scale.readsPerSecond)} per second. MiB after each tenth: ` +
      `${scale.memoryWhileRead.map(mebibytes).join(', ')}.`,
  ].join('\n');
}

function throughputTable(throughput: readonly Throughput[]): string {
  const moto = throughput.find(({ server }) => server === 'moto');
  const rows = throughput.map(({ server, perSecond, refused, generatorShare }) => [
    server,
    ...loadOperations.map((operation) => {
      const times =
        moto && server !== 'moto' ? ` (${figure(perSecond[operation] / moto.perSecond[operation])}x)` : '';
      return `${figure(perSecond[operation])}${times}`;
    }),
    String(refused),
    figure(generatorShare),
  ]);
  return formatTable(['', ...loadOperations, 'refused', 'generator'], rows);
}
