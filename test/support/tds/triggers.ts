import { databaseOf, type Identity, type Model } from './model.ts';
import { type Run, requireInDatabase } from './rights.ts';
import { plainName, plainText } from './text.ts';
import { SqlError } from './tokens.ts';

type RunText = (model: Model, session: Identity, statement: string) => boolean;

let runText: RunText = () => false;

/** Sets how a trigger's statements are run: like all others. */
export function runTriggersBy(run: RunText): void {
  runText = run;
}

/** Groups of events that contain every event which is fired here. */
const groups = new Set(['DDL_DATABASE_LEVEL_EVENTS', 'DDL_DATABASE_SECURITY_EVENTS', 'DDL_EVENTS']);

/**
 * Runs the triggers of the session's database for an event, with the session's rights. A trigger's USE ends with it, and it
 * can't revert a context that was set outside. Its own CATCH swallows its errors.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/triggers/manage-trigger-security
 * @see https://learn.microsoft.com/sql/t-sql/statements/revert-transact-sql
 */
export function fire(model: Model, session: Identity, event: string): void {
  for (const { events, statements } of databaseOf(model, session.database).triggers.values()) {
    if (!events.some((one) => one === event || groups.has(one))) continue;
    const inside: Identity = { ...session };
    try {
      for (const statement of statements) {
        if (statement === 'REVERT') continue;
        if (!runText(model, inside, statement)) throw new SqlError(102, `No such statement: ${statement}`);
      }
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
    }
  }
}

/** CREATE TRIGGER ... ON DATABASE, with a body that runs a text and swallows its errors. */
export const createTrigger: Run = (model, session, [quoted, events = '', body]) => {
  requireInDatabase(model, session);
  databaseOf(model, session.database).triggers.set(plainName(quoted), {
    events: events.split(', '),
    statements: plainText(body).split('; '),
  });
};
