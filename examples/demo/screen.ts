import { styleText } from 'node:util';
import type { StepReport } from '../../src/index.ts';
import type { LabelsEvent } from '../../src/local/index.ts';
import type { RotationRecord } from './counting.ts';
import { describeLabels, describeStep } from './wording.ts';

/** The demo's output. It never gets a password. */
export interface Screen {
  heading(title: string, explanation?: string): void;
  /** Announces work that takes a while. */
  progress(text: string): void;
  fact(name: string, value: string): void;
  stepStarted(): void;
  stepEnded(report: StepReport): void;
  note(message: string): void;
  labelsMoved(event: LabelsEvent): void;
  summary(rotations: readonly RotationRecord[]): void;
  /** Prints a command to copy, or a part of one. */
  command(line: string): void;
  gap(): void;
}

const stepWidth = 13;
const durationWidth = 7;
const factWidth = stepWidth + durationWidth + 2;
const summaryWidth = 18;

/** Colours only for a terminal, and not if NO_COLOR is set: styleText checks both. */
function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** Makes the demo's output. @param print prints one line */
export function createScreen(print: (line: string) => void): Screen {
  const versions = new Set<string>();
  // Lines of a step are held back until the step's own line is printed at its end. A function in a container may report
  // that end after the next step has begun.
  const heldBack: string[][] = [];
  const inStep = (line: string): void => {
    const step = heldBack.at(-1);
    if (step === undefined) print(line);
    else step.push(line);
  };
  const row = (name: string, value: string): string => `  ${name.padEnd(factWidth)}${value}`;

  return {
    heading(title, explanation = '') {
      print('');
      print(`${styled('bold', title)}${explanation && `  ${explanation}`}`);
    },
    progress: (text) => print(styled('dim', `  ${text} ...`)),
    fact: (name, value) => print(row(name, value)),
    stepStarted() {
      heldBack.push([]);
    },
    stepEnded(report) {
      print(stepLine(report));
      for (const line of heldBack.shift() ?? []) print(line);
    },
    note: (message) => inStep(styled('dim', row('', message))),
    labelsMoved(event) {
      for (const id of [...Object.keys(event.before), ...Object.keys(event.after)]) versions.add(id);
      const labels = describeLabels(versions, event, (text) => styled('cyan', text));
      inStep(`  ${styled('dim', 'labels'.padEnd(factWidth))}${labels}`);
    },
    summary(rotations) {
      for (const line of summaryTable(rotations)) print(line);
    },
    command: (line) => print(`  ${line}`),
    gap: () => print(''),
  };
}

function stepLine(report: StepReport): string {
  const failed = report.outcome === 'failed';
  const duration = `${report.durationMs.toFixed(0)} ms`.padStart(durationWidth);
  const words = failed ? styled('red', describeStep(report)) : describeStep(report);
  return `  ${styled(failed ? 'red' : 'green', report.step.padEnd(stepWidth))}${duration}  ${words}`;
}

function summaryTable(rotations: readonly RotationRecord[]): string[] {
  const line = (name: string, cell: (rotation: RotationRecord) => string): string =>
    `  ${name.padEnd(factWidth)}${rotations.map((rotation) => cell(rotation).padStart(summaryWidth)).join('')}`;
  const names = ['first', 'second'].map((name) => name.padStart(summaryWidth)).join('');
  return [
    styled('dim', `  ${''.padEnd(factWidth)}${names}`),
    line('Secrets Manager calls', ({ secretsManagerCalls }) => String(secretsManagerCalls)),
    line('logins', ({ logins }) => String(logins)),
    line('refused logins', ({ refusedLogins }) => String(refusedLogins)),
    line('AWSCURRENT refused', ({ gapMs }) =>
      gapMs === 0 ? 'never, 0 ms' : `at most ${gapMs.toFixed(0)} ms`,
    ),
    line('duration', ({ durationMs }) => `${durationMs.toFixed(0)} ms`),
  ];
}
