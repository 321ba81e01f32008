import type {
  ChangingRotator,
  GenerateContext,
  SecretFields,
  Session,
  Target,
} from '../../src/rotator/index.ts';
import type { DatabaseLogin } from './login.ts';
import { parseUserPair, type UserPair } from './user-pair.ts';

/** What the rotators of one engine have in common, whether one user's password changes or two users take turns. */
export interface SqlEngine<Login extends DatabaseLogin, Opened extends Session>
  extends Required<Pick<ChangingRotator<Login, Opened>, 'engines' | 'parse' | 'open' | 'classify'>> {
  /** Name of the rotator of a single user. The name for alternating users has `-alternating-users` appended. */
  readonly name: string;
  /** Whether the server accepts this user name. */
  takesName(name: string): boolean;
  /** What a login opens. @param account the username, or what a pair has in common */
  target(login: Login, account: string): Target;
  /** A new password that the server and its tools accept. @throws PasswordImpossible */
  newPassword(context: GenerateContext): string;
}

/** The parts of a change that differ by engine. */
type Own<Login, Opened extends Session> = Pick<ChangingRotator<Login, Opened>, 'change'> &
  Partial<
    Pick<
      ChangingRotator<Login, Opened>,
      | 'parse'
      | 'open'
      | 'prepare'
      | 'verify'
      | 'excessRights'
      | 'explainRefusal'
      | 'preflight'
      | 'overlap'
      | 'revocation'
      | 'endReplaced'
    >
  >;

/** Rotates the password of one user, who changes it itself. */
export function singleUser<Login extends DatabaseLogin, Opened extends Session>(
  { name, engines, parse, open, target, newPassword, classify }: SqlEngine<Login, Opened>,
  own: Own<Login, Opened>,
): ChangingRotator<Login, Opened> {
  return {
    kind: 'changes',
    name,
    engines,
    overlap: 'none',
    changedBy: 'account',
    parse,
    target: (login) => target(login, login.username),
    generate: async (_current, context) => ({ password: newPassword(context) }),
    open,
    classify,
    ...own,
  };
}

/** A login of one of two users that take turns. */
export type Paired<Login> = Login & { readonly pair: UserPair };

/** Rotates between two users, so that the credential of AWSCURRENT always works. The admin makes the changes. */
export function alternatingUsers<Login extends DatabaseLogin, Opened extends Session>(
  { name, engines, parse, open, takesName, target, newPassword, classify }: SqlEngine<Login, Opened>,
  own: Own<Paired<Login>, Opened>,
): ChangingRotator<Paired<Login>, Opened> {
  return {
    kind: 'changes',
    name: `${name}-alternating-users`,
    engines,
    overlap: 'until-next-rotation',
    changedBy: 'admin',
    parse: (fields: SecretFields) => ({ ...parse(fields), pair: parseUserPair(fields, takesName) }),
    target: (login) => target(login, login.pair.account),
    generate: async ({ pair }, context) => ({ username: pair.alternate, password: newPassword(context) }),
    open,
    classify,
    ...own,
  };
}
