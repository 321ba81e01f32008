import type { Subject } from './subject.ts';

/** Tests of one kind, by their titles. */
export type Theme = Readonly<Record<string, (subject: Subject) => Promise<void>>>;
