/** npm run prove:mutants: breaks the code on purpose, in a copy, and tells what noticed. */
import { parseArgs } from 'node:util';
import { createHuntingGround, problemOfCatch } from './mutants/hunt.ts';
import type { Catch } from './mutants/hunt.ts';
import { mutants } from './mutants/mutants.ts';

const grounds = 2;

const chosen = choose();
if (typeof chosen === 'string') {
  console.error(
    `${chosen}\n\nnpm run prove:mutants                    every mutant\nnpm run prove:mutants -- --only no-end   one of them, or several with commas`,
  );
  process.exitCode = 2;
} else {
  const began = Date.now();
  const queue = [...chosen];
  const caught: Catch[] = [];
  const work = async () => {
    const ground = await createHuntingGround();
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const found = await ground.hunt(mutant);
        caught.push(found);
        console.log(`${String(caught.length).padStart(3)} of ${chosen.length}  ${lineOf(found)}`);
      }
    } finally {
      await ground.remove();
    }
  };
  await Promise.all(Array.from({ length: Math.min(grounds, chosen.length) }, work));
  const problems = caught.map(problemOfCatch).filter((problem) => problem !== undefined);
  const guarded = caught.filter(({ guard }) => guard !== undefined).length;
  console.log(
    `\n${caught.length - problems.length} of ${caught.length} mutants caught, ${guarded} of them put to the guard alone, in ${((Date.now() - began) / 60_000).toFixed(1)} minutes.`,
  );
  for (const problem of problems) console.error(`Not caught: ${problem}`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

/** Which mutants to hunt, or a sentence that says what is wrong with the arguments. */
function choose(): typeof mutants | string {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' } } });
    if (values.only === undefined) return mutants;
    const wanted = values.only.split(',');
    const unknown = wanted.find((name) => !mutants.some(({ id }) => id === name));
    if (unknown !== undefined) return `There is no mutant "${unknown}".`;
    return mutants.filter(({ id }) => wanted.includes(id));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function lineOf({ mutant, by, guard, milliseconds }: Catch): string {
  const seconds = `${(milliseconds / 1000).toFixed(0)} s`;
  const alone =
    guard === undefined || guard === 'endless'
      ? ''
      : `; the guard alone: ${guard.refused} refused, ${guard.wrong.length} wrong of ${guard.writes} sent`;
  return `${mutant.id} (${mutant.what}; ${mutant.breaks}): ${by ?? 'NOT NOTICED'}${alone}; ${seconds}`;
}
