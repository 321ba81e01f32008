import { styleText } from 'node:util';
import type { StepReport } from '../../src/index.ts';
import type { LabelsEvent } from '../../src/local/index.ts';
import type { RotationRecord } from './counting.ts';
import { describeLabels, describeStep } from './wording.ts';

/** Everything that the demo shows. No password is ever given to it. */
export interface Screen {
  heading(title: string, explanation?: string): void;
  /** Something that takes a while has begun. */
  progress(text: string): void;
  fact(name: string, value: string): void;
  stepStarted(): void;
  stepEnded(report: StepReport): void;
  note(message: string): void;
  labelsMoved(event: LabelsEvent): void;
  summary(rotations: readonly RotationRecord[]): void;
  commands(lines: readonly string[]): void;
}

const stepWidth = 13;
const durationWidth = 7;
const factWidth = stepWidth + durationWidth + 2;
const summaryWidths = [factWidth, 12, 11, 12, 24, 12];

/** Colours only for a terminal, and not where NO_COLOR is set: styleText looks at both. */
function styled(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** @param print takes one line */
export function createScreen(print: (line: string) => void): Screen {
  const versions = new Set<string>();
  let heldBack: string[] | undefined;
  // What happens within a step is shown below it, once it has ended and its line can be written.
  const inStep = (line: string): void => {
    if (heldBack === undefined) print(line);
    else heldBack.push(line);
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
      heldBack = [];
    },
    stepEnded(report) {
      const lines = heldBack ?? [];
      heldBack = undefined;
      print(stepLine(report));
      for (const line of lines) print(line);
    },
    note: (message) => inStep(styled('dim', row('', message))),
    labelsMoved(event) {
      for (const id of [...Object.keys(event.before), ...Object.keys(event.after)]) versions.add(id);
      const labels = describeLabels(versions, event, (text) => styled('cyan', text));
      inStep(`  ${styled('dim', 'labels'.padEnd(factWidth))}${labels}`);
    },
    summary(rotations) {
      print(styled('dim', summaryRow(['', 'calls', 'logins', 'refused', 'AWSCURRENT refused', 'in all'])));
      for (const [index, rotation] of rotations.entries()) {
        print(summaryRow(summaryOf(index === 0 ? 'first rotation' : 'second rotation', rotation)));
      }
    },
    commands(lines) {
      for (const line of lines) print(line);
    },
  };
}

function stepLine(report: StepReport): string {
  const failed = report.outcome === 'failed';
  const duration = `${report.durationMs.toFixed(0)} ms`.padStart(durationWidth);
  const words = failed ? styled('red', describeStep(report)) : describeStep(report);
  return `  ${styled(failed ? 'red' : 'green', report.step.padEnd(stepWidth))}${duration}  ${words}`;
}

function summaryOf(name: string, rotation: RotationRecord): string[] {
  const gap = rotation.gapMs === 0 ? 'never' : `${rotation.gapMs.toFixed(0)} ms at most`;
  return [
    name,
    String(rotation.secretsManagerCalls),
    String(rotation.logins),
    String(rotation.refusedLogins),
    gap,
    `${rotation.durationMs.toFixed(0)} ms`,
  ];
}

function summaryRow(cells: readonly string[]): string {
  return `  ${cells.map((cell, index) => cell.padEnd(summaryWidths[index] ?? 0)).join('')}`.trimEnd();
}
