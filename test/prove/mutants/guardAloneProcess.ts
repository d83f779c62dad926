/** Tells in one line of JSON what came of the planner that is in the source, with only the guard before its writes. */
import { guardAlone } from './guardAlone.ts';

console.log(JSON.stringify(await guardAlone(Number(process.argv[2] ?? 200))));
