import fc from 'fast-check';

/** The seed of property tests. It is always the same, unless KEYTURN_TEST_SEED sets another one. */
const seed = Number(process.env.KEYTURN_TEST_SEED ?? 1);

// Runs for each test file, as a setup file.
fc.configureGlobal({ seed });

/** Runs once, as the global setup. */
export default function sayOnce(): void {
  console.log(`Property tests draw from the seed ${seed} (KEYTURN_TEST_SEED).`);
}
