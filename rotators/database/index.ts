/*
 * The kit for SQL engines (keyturn/rotators/database): what they have in common, so that an engine's own files say only
 * what is its own.
 */
export { codeOf, codesOf, partsOf } from '../network.ts';
export { requireNothingMissing, setOnce, untilNoConflict } from './change.ts';
export { classifier, type EngineErrors, meaningOf, type NumberMeanings } from './classify.ts';
export {
  abortError,
  type Connect,
  type ConnectionOptions,
  connectTimeoutMs,
  createConnect,
  createTrust,
  destroyOnAbort,
  dial,
  firstReachable,
  isTlsUnavailable,
  orDestroyed,
  type Trust,
  tlsFirst,
  withoutTls,
} from './connection.ts';
export {
  checked,
  type DatabaseLogin,
  hostName,
  optionalHostName,
  optionalKeyword,
  parseAddress,
  parseLogin,
  parsePlace,
  type Rule,
  requireEngine,
  requireLength,
  visibleName,
  wholeText,
} from './login.ts';
export { encryption, finding, findingOf, tlsOrPlaintext } from './preflight.ts';
export { alternatingUsers, type Paired, type SqlEngine, singleUser } from './rotators.ts';
export { parseUserPair, type UserPair } from './user-pair.ts';
