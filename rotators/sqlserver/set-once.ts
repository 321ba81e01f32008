import type { RotatorContext } from '../../src/rotator/index.ts';
import { isPolicyRefusal } from './classify.ts';
import type { SqlServerCredential } from './credential.ts';
import { connect, type SqlServerOptions } from './session.ts';

/** Sets a password. A retry sets what is set already, which a policy with a history refuses: then it is done. */
export async function setOnce(
  set: () => Promise<void>,
  pending: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<void> {
  try {
    await set();
  } catch (error) {
    if (!isPolicyRefusal(error) || !(await accepts(pending, options, context))) throw error;
  }
}

async function accepts(
  credential: SqlServerCredential,
  options: SqlServerOptions,
  context: RotatorContext,
): Promise<boolean> {
  const session = await connect(credential, options, context).catch(() => undefined);
  await session?.close();
  return session !== undefined;
}
