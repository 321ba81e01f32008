import { writeFileSync } from 'node:fs';

/** @typedef {import('vitest/node').TestModule} TestModule */
/** @typedef {{ name: string, why?: string }} Outcome */

/** Counts passed tests, and lists failed and skipped ones with the reason. Writes this into the file that KEYTURN_REPORT names. */
export default class CountingReporter {
  /**
   * @param {readonly TestModule[]} modules
   * @param {readonly { message: string, stack?: string }[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const withState = (state) => tests.filter((test) => test.result().state === state);
    const report = {
      passed: withState('passed').length,
      failed: [
        ...withState('failed').map((test) => ({ name: nameOf(test), why: messagesOf(test.result().errors) })),
        ...modules.flatMap(brokenSuites),
        ...unhandledErrors.map((error) => ({ name: 'outside of any test', why: messagesOf([error]) })),
      ],
      skipped: withState('skipped').map((test) => ({ name: nameOf(test), why: test.result().note })),
    };
    writeFileSync(process.env.KEYTURN_REPORT, JSON.stringify(report));
  }
}

/** Files that don't load and suites whose hooks fail. Vitest does not count their tests as failed. */
function brokenSuites(module) {
  return [module, ...module.children.allSuites()]
    .filter((suite) => suite.errors().length > 0)
    .map((suite) => ({ name: nameOf(suite), why: messagesOf(suite.errors()) }));
}

function nameOf(task) {
  return task.type === 'module' ? task.relativeModuleId : `${task.module.relativeModuleId}: ${task.fullName}`;
}

function messagesOf(errors) {
  return errors.map(({ stack, message }) => stack ?? message).join('\n');
}
