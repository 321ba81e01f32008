import { readFileSync } from 'node:fs';

/** Prints what vitest's JSON reports and the crash matrix counted, as one line, and why each skipped test was skipped. */
const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const tests = reports.flatMap((report) => {
  if (report.testResults) return report.testResults.flatMap((file) => file.assertionResults);
  // The matrix of a rotator, or its walks, is one test.
  const subjects = report.byRotator ? Object.values(report.byRotator) : report;
  return subjects.map(({ failed }) => ({
    status: Number(failed.length ?? failed) === 0 ? 'passed' : 'failed',
  }));
});
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status));

const passed = count('passed');
const failed = count('failed');
const skipped = tests.filter((test) => !passed.includes(test) && !failed.includes(test));
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
