import { sqlServer, sqlServerAlternatingUsers } from '../../../rotators/sqlserver/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** The settings of a rotator, which another process can read too. */
export interface SqlServerSettings {
  readonly kind: 'single' | 'alternating';
  /** PEM of the server's authority; without one any certificate will do. */
  readonly ca?: string | undefined;
}

function isSettings(settings: unknown): settings is SqlServerSettings {
  return typeof settings === 'object' && settings !== null && 'kind' in settings;
}

/** Makes the rotator that the settings name. */
export default function makeRotator(settings: unknown): Rotator {
  if (!isSettings(settings)) throw new Error('The settings are {kind, ca}.');
  const { kind, ca } = settings;
  const options = { ca: () => ca, trustServerCertificate: ca === undefined };
  return kind === 'single' ? sqlServer(options) : sqlServerAlternatingUsers(options);
}
