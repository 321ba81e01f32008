import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Prints each skipped and each failed test with the reason, and then a line with the counts.
 * Usage: node summary.js FOLDER PART...
 * Each part has left three files: PART.json (its report), PART.exit (its exit code) and PART.err (its error output).
 */
const [folder = '.', ...parts] = process.argv.slice(2);

function readPart(part) {
  const text = readIfThere(`${part}.json`);
  const report = text.trim() === '' ? { passed: 0, failed: [], skipped: [] } : reportOf(JSON.parse(text));
  const exitCode = readIfThere(`${part}.exit`).trim();
  if (exitCode === '0' || report.failed.length > 0) return report;
  const said = readIfThere(`${part}.err`).trim().split('\n').slice(-20).join('\n');
  return { ...report, failed: [{ name: `${part}: exit code ${exitCode}`, why: said }] };
}

function readIfThere(name) {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Reads a report of tests, of the matrix or of walks. The matrix of a rotator counts as one test, and so do its walks. */
function reportOf(json) {
  if (json.skipped !== undefined) return json;
  const subjects = json.byRotator
    ? Object.entries(json.byRotator).map(([rotator, { failures }]) => ({ rotator, failures }))
    : json.map(({ rotator, failed }) => ({ rotator, failures: failed }));
  const failed = subjects.filter(({ failures }) => failures.length > 0);
  return {
    passed: subjects.length - failed.length,
    failed: failed.map(({ rotator, failures }) => ({
      name: rotator,
      why: JSON.stringify(failures, null, 2),
    })),
    skipped: (json.leftOut ?? []).map(({ rotator, missing }) => ({ name: rotator, why: missing })),
  };
}

const reports = parts.map(readPart);
const skipped = reports.flatMap((report) => report.skipped);
const failed = reports.flatMap((report) => report.failed);
const passed = reports.reduce((sum, report) => sum + report.passed, 0);

for (const { name, why } of skipped) console.log(`skipped: ${name}${why ? `: ${why}` : ''}`);
for (const { name, why } of failed) console.log(`\nfailed: ${name}\n${why}`);
console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
