import fc from 'fast-check';

/** What property tests draw their values from: always the same, unless KEYTURN_TEST_SEED says another. */
const seed = Number(process.env.KEYTURN_TEST_SEED ?? 1);

// As a setup file, for each file of tests.
fc.configureGlobal({ seed });

/** As the global setup, once for a run. */
export default function sayOnce(): void {
  console.log(`Property tests draw from the seed ${seed} (KEYTURN_TEST_SEED).`);
}
