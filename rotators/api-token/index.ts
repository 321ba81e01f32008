export type { Pointer } from '../http/json.ts';
export type { TransportOptions } from '../http/transport.ts';
export type {
  ApiDescription,
  ApiOverride,
  Authentication,
  Call,
  ClientAuthenticationMethod,
  Condition,
  ExpiryPlace,
  JsonTemplate,
  ListCall,
  MintCall,
  NextPage,
  Outcome,
  Place,
  PreparingCall,
  Request,
  Scalar,
  Template,
  TokenFields,
  VerifyCall,
} from './description.ts';
export { presets } from './presets/index.ts';
export { type ApiSession, apiToken } from './rotator.ts';
export { type ApiTokensOptions, apiTokens } from './serve.ts';
