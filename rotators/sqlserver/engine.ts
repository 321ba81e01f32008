import type { SqlEngine } from '../database/rotators.ts';
import { classify } from './classify.ts';
import { engines, newPassword, parseCredential, type SqlServerCredential, targetOf } from './credential.ts';
import { explainLogin } from './login-failure.ts';
import { fitsName } from './quoting.ts';
import { connect, type SqlServerOptions, type SqlServerSession } from './session.ts';

/** What both of SQL Server's rotators have in common. */
export function sqlServerEngine(options: SqlServerOptions): SqlEngine<SqlServerCredential, SqlServerSession> {
  return {
    name: 'sqlserver',
    engines,
    parse: parseCredential,
    takesName: fitsName,
    target: targetOf,
    newPassword: ({ password }) => newPassword(password()),
    open: async (credential, context) => {
      try {
        return await connect(credential, options, context);
      } catch (error) {
        throw explainLogin(error, credential.username) ?? error;
      }
    },
    classify,
  };
}
