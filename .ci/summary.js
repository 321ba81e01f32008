import { readFileSync } from 'node:fs';

/** Prints what vitest's JSON reports counted, as one line, and why each skipped test was skipped. */
const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const tests = reports.flatMap(({ testResults }) => testResults).flatMap((file) => file.assertionResults);
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status));

const passed = count('passed');
const failed = count('failed');
const skipped = tests.filter((test) => !passed.includes(test) && !failed.includes(test));
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
