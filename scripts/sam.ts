import { runSam } from './run-sam.ts';

process.exitCode = await runSam(process.argv.slice(2));
