// What the client loads on demand is loaded from the start, for tests in which time is replaced: loading takes real time.
import '../../../src/client/preload.ts';
import '../../../src/client/read-errors.ts';
import '../../../src/client/reader.ts';
import '../../../src/client/refusals.ts';
