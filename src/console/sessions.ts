import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Draft } from './draft.ts';

/** A message that the next page shows once. */
export interface Flash {
  readonly tone: 'good' | 'bad';
  readonly text: string;
  /** The form that was sent and not stored, so that nobody has to type it again. */
  readonly typed?: Typed;
}

/** A form that a browser sent from a secret's page. */
export interface Typed {
  /** The path of the form. */
  readonly action: string;
  readonly fields: URLSearchParams;
}

/** A browser that has opened the console with a token. */
export interface Session {
  readonly id: string;
  /** Each form sends this. Pages of other origins can't know it. */
  readonly csrf: string;
  /** In ms since the epoch. */
  lastUsedAt: number;
  /** The ARN of the principal in whose name calls are signed; undefined: the console's own credentials. */
  principal: string | undefined;
  flash: Flash | undefined;
  /** Is aborted when the session ends. */
  readonly ended: AbortSignal;
  /** Secrets that are being put together. */
  readonly drafts: Map<string, Draft>;
  /** The ARNs of the secrets that were stored last, by the ids of their drafts. */
  readonly stored: Map<string, string>;
}

/** The sessions of browsers. The token that the terminal shows opens one. */
export interface Sessions {
  /** The token that opens the next session. */
  token(): string;
  /** Opens a session with the token, which then becomes invalid. @returns undefined for a wrong token */
  open(token: string): Session | undefined;
  /** The session of a cookie; undefined if there is none, or if it was idle for too long. */
  find(id: string): Session | undefined;
  close(session: Session): void;
  /** Closes the sessions that were idle for too long. */
  closeIdle(): void;
}

const idleMs = 8 * 3_600_000;

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>();
  const endings = new WeakMap<Session, AbortController>();
  let token = secret();
  const close = (session: Session): void => {
    session.drafts.clear();
    sessions.delete(session.id);
    endings.get(session)?.abort();
  };
  // Drafts hold values of secrets, so they must not stay in memory if nobody comes back.
  const closeIdle = (): void => {
    for (const session of sessions.values()) if (Date.now() - session.lastUsedAt > idleMs) close(session);
  };
  return {
    token: () => token,
    open(given) {
      closeIdle();
      if (!isSame(given, token)) return undefined;
      token = secret();
      const ending = new AbortController();
      const session: Session = {
        id: secret(),
        csrf: secret(),
        lastUsedAt: Date.now(),
        principal: undefined,
        flash: undefined,
        ended: ending.signal,
        drafts: new Map(),
        stored: new Map(),
      };
      endings.set(session, ending);
      sessions.set(session.id, session);
      return session;
    },
    find(id) {
      closeIdle();
      for (const session of sessions.values()) {
        if (!isSame(id, session.id)) continue;
        session.lastUsedAt = Date.now();
        return session;
      }
      return undefined;
    },
    close,
    closeIdle,
  };
}

/** 256 random bits, written so that they can be in a URL. */
export function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether two texts are the same. The time it takes doesn't tell where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
