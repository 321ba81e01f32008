import type { Subject } from './subject.ts';

/** A group of tests, by their titles. */
export type TestGroup = Readonly<Record<string, (subject: Subject) => Promise<void>>>;
