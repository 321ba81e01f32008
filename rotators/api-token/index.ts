export type { Pointer } from '../http/json.ts';
export type { TransportOptions } from '../http/transport.ts';
export type {
  ApiDescription,
  Authentication,
  Call,
  JsonTemplate,
  ListCall,
  MintCall,
  NextPage,
  Template,
  TokenFields,
  VerifyCall,
} from './description.ts';
export { type ApiSession, apiToken } from './rotator.ts';
export { type ApiTokensOptions, apiTokens } from './serve.ts';
