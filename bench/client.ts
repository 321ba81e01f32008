import { cases } from './client/cases.ts';
import { contenders } from './client/contenders.ts';
import { measureLibrary } from './client/library.ts';
import { type CaseFigures, measureCase } from './client/measure.ts';
import { type ClientReport, formatReport, totalsOf } from './client/report.ts';
import { type BenchUsage, progress, readCount, runBench } from './support/arguments.ts';
import { describeMachine } from './support/machine.ts';

const rotationsByDefault = 125;

const usage = {
  name: 'client',
  about: `Runs applications while their secret rotates, for each rotator and strategy. One application has keyturn/client. The
others have other caches, and use the same secret at the same time. Servers are real where there is one. Counts the errors
that reach each application, and its calls of Secrets Manager. Exits with 1 if an error reached the one with keyturn/client.`,
  options: {
    rotations: {
      type: 'string',
      placeholder: 'N',
      about: `Rotations of each case; ${rotationsByDefault} if absent, which are ${rotationsByDefault * cases.length} in all`,
    },
    case: { type: 'string', placeholder: 'TEXT', about: 'Only cases that have this text in their name' },
  },
} as const satisfies BenchUsage;

await runBench(usage, async ({ rotations: count = String(rotationsByDefault), case: wanted = '' }) => {
  const rotations = readCount('rotations', count);
  const chosen = cases.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (chosen.length === 0) throw new Error(`--case: none has "${wanted}" in its name.`);
  const library = await measureLibrary();
  const measured: CaseFigures[] = [];
  for (const one of chosen) {
    progress(`${one.name}: ${rotations} rotations`);
    measured.push(await measureCase(one, contenders, rotations));
  }
  const totals = totalsOf(measured);
  const data: ClientReport = {
    machine: await describeMachine(),
    rotations: rotations * chosen.length,
    library,
    totals,
    cases: measured,
  };
  if (totals[contenders[0]?.name ?? '']?.failures !== 0) process.exitCode = 1;
  return { text: formatReport(data), data };
});
