/*
 * The door for whoever writes a rotator (keyturn/rotator). It loads the contract, the fields of a secret, the errors and
 * the password policy, and nothing else.
 */
export {
  contradictoryField,
  optionalPair,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
} from '../documents/fields.ts';

export { AdapterError, type ErrorCode, errorCodes, isKeyturnError, KeyturnError } from '../errors.ts';
export { missing, requireSuitable } from '../optional-package.ts';

export { defaultPasswordPolicy, generatePassword, type PasswordPolicy } from '../password.ts';
export type * from './contract.ts';
