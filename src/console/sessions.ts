import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Draft } from './draft.ts';

/** What a page tells once, after something was done. */
export interface Flash {
  readonly tone: 'good' | 'bad';
  readonly text: string;
  /** A resource policy that was not taken, so that it isn't lost. */
  readonly policy?: string;
}

/** A browser that has shown the token. */
export interface Session {
  readonly id: string;
  /** What each form sends along, which pages of other origins can't know. */
  readonly csrf: string;
  lastUsedAt: number;
  /** The ARN of the principal in whose name calls are signed; undefined: the console's own credentials. */
  principal: string | undefined;
  flash: Flash | undefined;
  /** Secrets that are being put together. */
  readonly drafts: Map<string, Draft>;
}

/** Lets in whoever has the token that the terminal shows. */
export interface Sessions {
  /** The token that opens the next session. */
  token(): string;
  /** Takes the token, which is good for one session. @returns undefined for another token */
  open(token: string): Session | undefined;
  /** The session of a cookie; undefined where there is none, or where it was idle for too long. */
  find(id: string): Session | undefined;
  close(session: Session): void;
}

const IDLE_MS = 8 * 3_600_000;

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>();
  let token = secret();
  const close = (session: Session): void => {
    session.drafts.clear();
    sessions.delete(session.id);
  };
  // Drafts have values in them, which nobody may come back for.
  const closeIdle = (): void => {
    for (const session of sessions.values()) if (Date.now() - session.lastUsedAt > IDLE_MS) close(session);
  };
  return {
    token: () => token,
    open(given) {
      closeIdle();
      if (!isSame(given, token)) return undefined;
      token = secret();
      const session: Session = {
        id: secret(),
        csrf: secret(),
        lastUsedAt: Date.now(),
        principal: undefined,
        flash: undefined,
        drafts: new Map(),
      };
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
  };
}

/** 256 bits that nobody can guess, as they can stand in a URL. */
export function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
