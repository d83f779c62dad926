import { ownSurroundings } from '../jit/surroundings.ts';
import { runPolicies } from './runPolicies.ts';

process.exitCode = await runPolicies(process.argv.slice(2), ownSurroundings());
