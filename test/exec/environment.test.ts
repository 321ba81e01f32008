import { describe, expect, it } from 'vitest';
import { nameOfKey, nameProblem, requireHeld } from '../../src/exec/environment.ts';

describe('the name of a variable that a key of a secret gives', () => {
  it.each([
    ['password', '', 'PASSWORD'],
    ['password', 'DB_', 'DB_PASSWORD'],
    ['db-user.name x', '', 'DB_USER_NAME_X'],
    ['ConnectionStrings:Default', '', 'CONNECTIONSTRINGS_DEFAULT'],
    ['APP_KEY', '', 'APP_KEY'],
    ['NODE_ENV', '', 'NODE_ENV'],
    ['DOTNET_ENVIRONMENT', '', 'DOTNET_ENVIRONMENT'],
    ['user', '', 'USER'],
    ['path', 'SHOP_', 'SHOP_PATH'],
  ])('for %j after %j is %s', (key, prefix, name) => {
    expect(nameOfKey(key, prefix)).toBe(name);
    expect(nameProblem(name)).toBeUndefined();
  });

  it.each([
    ...[
      'PATH',
      'path',
      'Path',
      'LD_PRELOAD',
      'ld-preload',
      'LD_LIBRARY_PATH',
      'ld.audit',
      'DYLD_INSERT_LIBRARIES',
    ],
    ...[
      'NODE_OPTIONS',
      'node-options',
      'NODE_PATH',
      'PYTHONPATH',
      'PYTHONSTARTUP',
      'PERL5OPT',
      'RUBYOPT',
      'BASH_ENV',
    ],
    ...[
      'ENV',
      'IFS',
      'PS4',
      'JAVA_TOOL_OPTIONS',
      '_JAVA_OPTIONS',
      'CLASSPATH',
      'DOTNET_STARTUP_HOOKS',
      'GIT_SSH_COMMAND',
    ],
    ...['CORECLR_PROFILER_PATH', 'npm_config_registry', 'SSL_CERT_FILE', 'https_proxy', 'AWS_ENDPOINT_URL'],
    ...[
      'AWS_ENDPOINT_URL_SECRETS_MANAGER',
      'AWS_CONFIG_FILE',
      'GLIBC_TUNABLES',
      'OPENSSL_CONF',
      'HOME',
      'KEYTURN_FILES',
    ],
  ])('must not be %s', (key) => {
    expect(nameProblem(nameOfKey(key, ''))).toBe('dangerous');
  });

  it('must not become dangerous by its prefix', () => {
    expect(nameProblem(nameOfKey('preload', 'LD_'))).toBe('dangerous');
  });

  it.each(['', '1x', 'a=b', 'a\0b', 'a\nb', 'é', 'ld_preſoad', 'x$y', 'a"b', '%x', 'BASH_FUNC_x%%'])(
    'must be one: not of %j',
    (key) => {
      expect(nameProblem(nameOfKey(key, ''))).toBe('invalid');
    },
  );
});

it.each([
  ['a\0b', 'has a NUL'],
  ['a\ud800', 'half of a character'],
  ['x'.repeat(131_072), 'longer than 128 KiB'],
])('no environment holds %.10j', (value, reason) => {
  expect(() => requireHeld('NAME', value)).toThrow(
    expect.objectContaining({ code: 'ValueNotWritable', message: expect.stringContaining(reason) }),
  );
  expect(() => requireHeld('NAME', 'x'.repeat(131_066))).not.toThrow();
});
