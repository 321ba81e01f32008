import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Cause, causes } from '../src/doctor/causes.ts';
import { shellWord } from '../src/shell-word.ts';

const text = fc.string({ unit: fc.constantFrom(...'ab!\'"$`\\ *?~;&|<>(){}[]#=-\n') });

it('a shell reads a word as it is meant', () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (words) => {
      const command = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
      const read = execFileSync('bash', ['-c', command], { encoding: 'utf8' }).split('\0').slice(0, -1);
      expect(read).toEqual(words);
    }),
    { numRuns: 50 },
  );
});

it("the doctor's commands quote names with an exclamation mark", () => {
  const about = {
    name: 'rds!cluster-1',
    arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!cluster-1-AbCdEf',
    functionArn: undefined,
    every: '30d',
    pending: undefined,
    kmsKeyId: undefined,
  };
  const commands = Object.values<Cause>(causes).flatMap(({ command }) => command?.(about) ?? []);
  expect(commands.filter((command) => command.includes('rds!')).length).toBeGreaterThan(3);
  for (const command of commands) expect(command.replaceAll(/'[^']*'/g, '')).not.toContain('!');
});
