import { mysql, mysqlAlternatingUsers } from '../../../rotators/mysql/index.ts';
import type { Rotator } from '../../../src/index.ts';

/** The settings of a rotator, which another process can read too. */
export interface MysqlSettings {
  readonly kind: 'single' | 'alternating';
  /** PEM of the server's authority. */
  readonly ca: string;
}

function isSettings(settings: unknown): settings is MysqlSettings {
  return typeof settings === 'object' && settings !== null && 'kind' in settings && 'ca' in settings;
}

/** Makes the rotator that the settings name. */
export default function makeRotator(settings: unknown): Rotator {
  if (!isSettings(settings)) throw new Error('The settings are {kind, ca}.');
  const options = { ca: () => settings.ca };
  return settings.kind === 'single' ? mysql(options) : mysqlAlternatingUsers(options);
}
