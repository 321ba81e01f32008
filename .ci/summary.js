import { readFileSync } from 'node:fs';

/** Prints what vitest's JSON report counted, as one line, and why each skipped test was skipped. */
const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const tests = report.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed');
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);

const { numPassedTests, numFailedTests } = report;
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${skipped.length} skipped`);
