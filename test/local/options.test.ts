import { afterEach, describe, expect, it } from 'vitest';
import {
  type LocalSecretsManager,
  type LocalSecretsManagerOptions,
  startLocalSecretsManager,
} from '../../src/local/index.ts';

let local: LocalSecretsManager | undefined;
afterEach(async () => {
  await local?.close();
  local = undefined;
});

async function start(options: LocalSecretsManagerOptions = {}): Promise<LocalSecretsManager> {
  local = await startLocalSecretsManager(options);
  return local;
}

describe('options that make no sense are refused at the start', () => {
  it.each<[string, LocalSecretsManagerOptions]>([
    ["host: ''", { host: '' }],
    ["host: 'http://localhost'", { host: 'http://localhost' }],
    ["dataDirectory: ''", { dataDirectory: '' }],
    ["region: ''", { region: '' }],
    ["region: 'Frankfurt'", { region: 'Frankfurt' }],
    ["accountId: 'mine'", { accountId: 'mine' }],
    ["accountId: '123'", { accountId: '123' }],
    ["lambdaEndpoint: ''", { lambdaEndpoint: '' }],
    ["lambdaEndpoint: 'localhost:3001'", { lambdaEndpoint: 'localhost:3001' }],
    ["retryDelaysMs: '-1'", { retryDelaysMs: [500, -1] }],
    ["retryDelaysMs: 'NaN'", { retryDelaysMs: [Number.NaN] }],
    ["retryDelaysMs: 'Infinity'", { retryDelaysMs: [Number.POSITIVE_INFINITY] }],
  ])('%s', async (message, options) => {
    await expect(start(options)).rejects.toThrow(`${message} must be `);
  });

  it('and others are taken', async () => {
    const { url } = await start({ host: 'localhost', region: 'us-gov-west-1', retryDelaysMs: [0] });
    expect(url).toMatch(/^http:/);
  });
});

describe('a function is refused', () => {
  const handler = () => undefined;

  it.each(['', 'two words', 'arn:aws:lambda:us-east-1:1:function:short'])(
    'under the name %j',
    async (name) => {
      const { registerFunction } = await start();
      expect(() => registerFunction(name, handler)).toThrow(
        `'${name}' must be the name or the ARN of a function.`,
      );
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('with a time limit of %d ms', async (timeoutMs) => {
    const { registerFunction } = await start();
    expect(() => registerFunction('rotate', handler, { timeoutMs })).toThrow('timeoutMs');
  });

  it('without a function', async () => {
    const { registerFunction } = await start();
    // A module of JavaScript that has no such export.
    expect(() => registerFunction('rotate', Object(undefined))).toThrow("The handler of 'rotate' must be");
  });
});
