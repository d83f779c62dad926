import { runJit } from './runJit.ts';
import { ownSurroundings } from './surroundings.ts';

process.exitCode = await runJit(process.argv.slice(2), ownSurroundings());
