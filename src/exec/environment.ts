import { KeyturnError } from '../errors.ts';

/** Why a key of a secret can't name an environment variable; undefined if it can. */
export type NameProblem = 'invalid' | 'dangerous' | undefined;

/** A name that every program and shell takes. @see https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html */
const validName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Variables by which a process, its runtime, its loader or its tools find code, configuration, certificates or servers.
 * With one of these, whoever writes a secret could run a program of their own.
 */
const dangerousNames = new Set(
  [
    'PATH HOME SHELL TMPDIR TMP TEMP TERMINFO TERMINFO_DIRS TERMCAP',
    // Shells
    'ENV BASH_ENV IFS PS1 PS2 PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS CDPATH GLOBIGNORE BASH_XTRACEFD ZDOTDIR FPATH',
    'EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE',
    // The C library
    'GCONV_PATH LOCPATH NLSPATH HOSTALIASES LOCALDOMAIN RES_OPTIONS RESOLV_HOST_CONF GETCONF_DIR GLIBC_TUNABLES',
    // Node.js
    'NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_REPL_EXTERNAL_MODULE',
    'NODE_V8_COVERAGE NODE_REDIRECT_WARNINGS NODE_REPL_HISTORY NODE_COMPILE_CACHE NODE_USE_ENV_PROXY NODE_DEBUG',
    // Java
    'JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JVM_OPTS JAVA_HOME JRE_HOME CLASSPATH',
    'CATALINA_OPTS MAVEN_OPTS GRADLE_OPTS SBT_OPTS ANT_OPTS',
    // .NET
    'DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS DOTNET_SHARED_STORE DOTNET_ROOT DOTNET_ROOT_X64 DOTNET_HOST_PATH',
    'DOTNET_BUNDLE_EXTRACT_BASE_DIR DOTNET_DIAGNOSTICPORTS ASPNETCORE_HOSTINGSTARTUPASSEMBLIES',
    // Other languages
    'PHPRC PHP_INI_SCAN_DIR RUBYOPT RUBYLIB RUBYSHELL GEM_HOME GEM_PATH R_PROFILE R_PROFILE_USER R_ENVIRON',
    'R_ENVIRON_USER R_HOME R_LIBS TCLLIBPATH GOFLAGS GOROOT GOPATH GOPROXY RUSTC RUSTC_WRAPPER RUSTFLAGS',
    'ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS ELIXIR_ERL_OPTIONS MAKEFLAGS MAKEFILES',
    // TLS, proxies, other servers than the application's
    'SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE',
    'HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY DOCKER_HOST DOCKER_CONFIG KUBECONFIG',
    'PGSERVICEFILE PGSYSCONFDIR PGSSLROOTCERT MYSQL_HOME LIBMYSQL_PLUGINS KRB5_CONFIG NOTIFY_SOCKET',
    'AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CA_BUNDLE',
    'AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_EC2_METADATA_SERVICE_ENDPOINT GOOGLE_APPLICATION_CREDENTIALS AZURE_CONFIG_DIR',
    // Windows
    'COMSPEC PATHEXT PSMODULEPATH SYSTEMROOT WINDIR APPDATA LOCALAPPDATA USERPROFILE',
  ].flatMap((line) => line.split(' ')),
);

const dangerousPrefixes = [
  ...['LD_', 'DYLD_', 'MALLOC_', 'BASH_FUNC_', 'PYTHON', 'PERL', 'LUA_', 'JULIA_', 'BUNDLE_', 'CARGO_'],
  ...['CORECLR_', 'COR_', 'COMPLUS_', 'GIT_', 'SSH_', 'NPM_CONFIG_', 'YARN_', 'PIP_', 'UV_', 'OPENSSL_'],
  ...['GTK_', 'QT_', 'XDG_', 'AWS_ENDPOINT_URL', 'KEYTURN_'],
];

/** Checks a name that a secret has chosen. Dangerous names are found in any case of letters, since some platforms ignore case. */
export function nameProblem(name: string): NameProblem {
  if (!validName.test(name)) return 'invalid';
  const upper = name.toUpperCase();
  const isDangerous =
    dangerousNames.has(upper) || dangerousPrefixes.some((prefix) => upper.startsWith(prefix));
  return isDangerous ? 'dangerous' : undefined;
}

/** Whether a name is valid for a variable. A user may choose any valid name. */
export function isValidName(name: string): boolean {
  return validName.test(name);
}

/**
 * The variable's name for a key of a secret: in capitals, with underscores between words.
 *
 * A key with characters outside ASCII keeps them, so that its name is invalid. Capitals could make another key's name of
 * it: the capital of `ı` is `I`.
 */
export function nameOfKey(key: string, prefix: string): string {
  if (/[^ -~]/.test(key)) return prefix + key;
  return prefix + key.replace(/[-. :/]/g, '_').toUpperCase();
}

/** Linux's limit of one variable, in bytes, with its name and the NUL at its end. */
const longestVariable = 131_072;

/** Checks that an environment can hold a value. @throws ValueNotWritable */
export function requireHeld(name: string, value: string): void {
  const problem = value.includes('\0')
    ? 'has a NUL'
    : !value.isWellFormed()
      ? 'has half of a character'
      : Buffer.byteLength(value) + name.length + 2 > longestVariable
        ? 'is longer than 128 KiB'
        : undefined;
  if (problem === undefined) return;
  throw new KeyturnError(
    'ValueNotWritable',
    `The value ${problem}, which no environment variable can hold.`,
    'Write it into a file with --file.',
  );
}
