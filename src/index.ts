export {
  type Configuration,
  defaultConfiguration,
  type Environment,
  flag,
  readConfiguration,
  text,
} from './configuration.ts';
export type { SecretDocument } from './documents/document.ts';
export { readDocument } from './documents/document.ts';
export {
  contradictoryField,
  optionalPair,
  optionalPort,
  optionalSsl,
  optionalText,
  requireText,
  type SecretFields,
} from './documents/fields.ts';
export { type FormName, formNames } from './documents/form.ts';
export { adminTag, type DocumentHints, fieldsTag, formTag, leaveTag } from './documents/hints.ts';
export { AdapterError, type ErrorCode, errorCodes, isKeyturnError, KeyturnError } from './errors.ts';
export {
  createRotationHandler,
  type PreflightAnswer,
  type RotationHandler,
  type RotationHandlerOptions,
} from './handler.ts';
export { missing } from './optional-package.ts';
export { defaultPasswordPolicy, generatePassword, type PasswordPolicy } from './password.ts';
export { rotatorTag } from './rotation/select.ts';
export type * from './rotator/contract.ts';
export type { StepIdentity, StepOutcome, StepReport, Telemetry } from './telemetry.ts';
