import { glob, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, normalize, sep } from 'node:path';
import { init, parse } from 'es-module-lexer';
import { beforeAll, describe, expect, it } from 'vitest';

interface Import {
  readonly from: string;
  /** A file of the repository, or a package. */
  readonly to: string;
}

const root = join(import.meta.dirname, '..');

async function importsOf(file: string): Promise<Import[]> {
  const text = await readFile(join(root, file), 'utf8');
  // A type that is imported is a dependency too, so types are read before they are stripped.
  const typeImports = [...text.matchAll(/^(?:import|export) (?:type )?[^;]*? from '([^']+)'/gm)].map(
    ([, name = '']) => name,
  );
  const [found] = parse(stripTypeScriptTypes(text));
  const names = new Set([...typeImports, ...found.flatMap(({ n }) => n ?? [])]);
  return [...names].map((name) => ({
    from: file,
    to: name.startsWith('.')
      ? normalize(join(dirname(file), name))
          .split(sep)
          .join('/')
      : name,
  }));
}

/** Without its comments. */
function code(text: string): string {
  return text.replace(/\/\*.*?\*\//gs, '').replace(/(?<=^|\s)\/\/.*$/gm, '');
}

describe('the borders of the architecture', () => {
  const imports: Import[] = [];
  const texts = new Map<string, string>();
  beforeAll(async () => {
    await init;
    for await (const file of glob('{src,rotators}/**/*.ts', { cwd: root })) {
      const name = file.split(sep).join('/');
      imports.push(...(await importsOf(name)));
      texts.set(name, await readFile(join(root, file), 'utf8'));
    }
  });

  const from = (folder: RegExp): Import[] => imports.filter((found) => folder.test(found.from));

  it('reads the imports at all', () => {
    expect(imports).toContainEqual({ from: 'rotators/postgres/session.ts', to: 'pg' });
    expect(imports).toContainEqual({ from: 'src/handler.ts', to: 'src/rotation/steps/set.ts' });
  });

  /** Everything that a file loads, or takes types from, however deep. */
  function reachedFrom(file: string): Set<string> {
    const reached = new Set<string>();
    const follow = (at: string): void => {
      for (const { to } of imports.filter((found) => found.from === at)) {
        if (reached.has(to)) continue;
        reached.add(to);
        follow(to);
      }
    };
    follow(file);
    return reached;
  }

  it('has a door for rotators that loads the contract, fields, errors and the password policy, and nothing else', () => {
    expect([...reachedFrom('src/rotator/index.ts')].sort()).toEqual([
      'node:crypto',
      'node:fs',
      'node:module',
      'node:path',
      'src/documents/fields.ts',
      'src/errors.ts',
      'src/optional-package.ts',
      'src/password.ts',
      'src/rotator/contract.ts',
    ]);
  });

  it('lets a rotator reach that door, its kits and its driver, and nothing else of Keyturn or AWS', () => {
    const door = new Set(['src/rotator/index.ts', ...reachedFrom('src/rotator/index.ts')]);
    for (const file of new Set(from(/^rotators\//).map((found) => found.from))) {
      const reached = [...reachedFrom(file)];
      expect(reached.filter((to) => to.startsWith('src/') && !door.has(to))).toEqual([]);
      // The targets of these users are AWS's own services.
      const clients = /^@aws-sdk\/client-(elasticache|memorydb)$/;
      const mayReach = /^rotators\/(elasticache\/|index\.ts$)/.test(file) ? clients : /^$/;
      expect(reached.filter((to) => to.startsWith('@aws') && !mayReach.test(to))).toEqual([]);
    }
    const entered = from(/^rotators\//).filter(({ to }) => to.startsWith('src/'));
    expect(new Set(entered.map(({ to }) => to))).toEqual(new Set(['src/rotator/index.ts']));
  });

  it('keeps rotators apart: each loads its own folder and the kits', () => {
    const kits = /^rotators\/(http|database)\/|^rotators\/[a-z-]+\.ts$/;
    for (const file of new Set(from(/^rotators\/[a-z-]+\//).map((found) => found.from))) {
      const own = file.split('/').slice(0, 2).join('/');
      const reached = [...reachedFrom(file)].filter((to) => to.startsWith('rotators/'));
      // Users of ElastiCache log in as those of Redis do.
      const logins = own === 'rotators/elasticache' ? /^rotators\/redis\// : /^$/;
      const others = reached.filter((to) => !to.startsWith(`${own}/`) && !kits.test(to));
      expect(others.filter((to) => !logins.test(to))).toEqual([]);
    }
    // The list of all rotators doesn't count as a kit.
    expect(from(/^rotators\/[a-z-]+\//).filter(({ to }) => to === 'rotators/index.ts')).toEqual([]);
  });

  it("has one place that knows Node.js's codes of certificates and networks", () => {
    const known = /UNABLE_TO_|ECONNREFUSED|EHOSTUNREACH/;
    const knowing = [...texts].filter(
      ([file, text]) => file.startsWith('rotators/') && known.test(code(text)),
    );
    expect(knowing.map(([file]) => file)).toEqual(['rotators/network.ts']);
  });

  it('has one place for what is trusted, and for when plaintext is allowed', () => {
    const deciding = [...texts].filter(
      ([file, text]) =>
        file.startsWith('rotators/') && /createSecureContext\(|allowPlaintext[ )=]/.test(code(text)),
    );
    expect(deciding.map(([file]) => file)).toEqual(['rotators/database/connection.ts']);
  });

  it('has one way to send for all rotators of HTTP', () => {
    const senders = [...texts].filter(
      ([file, text]) => file.startsWith('rotators/') && /\bfetch\(/.test(text),
    );
    expect(senders.map(([file]) => file)).toEqual(['rotators/http/send.ts']);
  });

  it('keeps the event and the gate pure', () => {
    for (const file of ['event', 'gate', 'select']) {
      const seen = from(new RegExp(`^src/rotation/${file}\\.ts$`)).map(({ to }) => to);
      const pure =
        /^src\/(errors|doctor\/causes|documents\/(engines|fields)|secrets-manager\/port|rotator\/contract|rotation\/(event|gate))\.ts$/;
      expect(seen.filter((to) => !pure.test(to))).toEqual([]);
    }
  });

  it('has doctor and fleet decide without asking anybody: no SDK, no files, no command line', () => {
    const own =
      /^src\/(doctor|fleet|secrets-manager)\/|^src\/(errors|iam-wildcards|shell-word|rotator\/contract)\.ts$/;
    const seen = from(/^src\/(doctor|fleet)\//).filter(({ to }) => !own.test(to) && to !== 'node:crypto');
    expect(seen).toEqual([]);
  });

  it('lets only the composition roots know both the core and the rotators', () => {
    const offenders = from(/^src\/(?!lambda\.ts|cli\/)/).filter(({ to }) => to.startsWith('rotators/'));
    expect(offenders).toEqual([]);
  });

  it('keeps the AWS SDK behind its port', () => {
    const users = new Set(
      from(/^src\/(?!local\/|cli\/|testing\/)/)
        .filter(({ to }) => to.startsWith('@aws-sdk/'))
        .map(({ from }) => from),
    );
    expect([...users].sort()).toEqual([
      'src/client/sdk.ts',
      'src/handler.ts',
      'src/rds/aws.ts',
      'src/secrets-manager/aws.ts',
    ]);
  });

  it('keeps the core and the local Secrets Manager apart', () => {
    const core = /^src\/(rotation|documents|secrets-manager|rds|redaction)\/|^src\/[a-z-]+\.ts$/;
    expect(from(core).filter(({ to }) => to.startsWith('src/local/'))).toEqual([]);
    // Both may use three files: the message about a missing optional package, the reader of IAM's wildcards, and the
    // redactor, which masks the values of a secret in what its function's error says.
    const shared = /^src\/(local\/|(redact|optional-package|iam-wildcards)\.ts$)/;
    expect(from(/^src\/local\//).filter(({ to }) => to.startsWith('src/') && !shared.test(to))).toEqual([]);
  });

  it('lets the client for applications load no driver, no rotation code, and no package but the SDK', () => {
    const reached = new Set(['src/client/index.ts']);
    for (const file of reached) {
      for (const { to } of imports.filter((found) => found.from === file)) reached.add(to);
    }
    expect(reached.size).toBeGreaterThan(20);
    const own = /^src\/(client|documents)\/|^src\/errors\.ts$|^node:/;
    expect([...reached].filter((to) => !own.test(to))).toEqual(['@aws-sdk/client-secrets-manager']);
  });

  it('reads the environment only in the composition root and the command line', () => {
    const readers = [...texts].filter(([, text]) => text.includes('process.env')).map(([file]) => file);
    // Only the environment tells which test runner runs.
    // createRotationHandler composes a function, and reads from the environment what its options leave out.
    const allowed = ['src/lambda.ts', 'src/handler.ts', 'src/testing/runner.ts'];
    expect(readers.filter((file) => !allowed.includes(file) && !file.startsWith('src/cli/'))).toEqual([]);
  });
});
