import { startKillingGround } from '../killed.ts';
import type { Kill } from '../killed.ts';
import { replayCommand, seedsOf } from '../layer.ts';
import type { Failure, LayerOptions, LayerResult, Size } from '../layer.ts';

const layer = 'I';
/** None in `npm test`, whose end-to-end suites kill as well. */
const kills: Record<Size, number> = { quick: 0, usual: 6, full: 60 };
/** From the asking for the first grant until the last one has been closed for a while. */
const life = 11_000;

/** Real processes, killed with SIGKILL at points that are spread over the lives of three grants each. */
export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const total = kills[options.size];
  const counted: Record<string, number> = {
    'workers killed': 0,
    'hosts killed': 0,
    grants: 0,
    'of them opened': 0,
  };
  const failures: Failure[] = [];
  const ground = await startKillingGround();
  try {
    for (const seed of seedsOf(options, total)) {
      const kill = killOf(seed);
      try {
        const { grants, opened, problems } = await ground.kill(kill);
        counted[`${kill.victim}s killed`] = (counted[`${kill.victim}s killed`] ?? 0) + 1;
        counted['grants'] = (counted['grants'] ?? 0) + grants;
        counted['of them opened'] = (counted['of them opened'] ?? 0) + opened;
        failures.push(...problems.map((what) => failureAt(seed, `${JSON.stringify(kill)}: ${what}`)));
      } catch (error) {
        failures.push(failureAt(seed, `${JSON.stringify(kill)}: ${String(error)}`));
      }
    }
  } finally {
    await ground.close();
  }
  const title = 'real processes killed, with storage and ARM over sockets';
  const seeds = options.seed === undefined ? `1–${total}` : String(options.seed);
  return { layer, title, counted, seeds, milliseconds: performance.now() - began, failures };
}

/** Spread over the lives by the golden section, worker and host in turn; every third time ARM is slow to answer writes. */
function killOf(seed: number): Kill {
  return {
    victim: seed % 2 === 0 ? 'host' : 'worker',
    afterMilliseconds: Math.round(life * ((seed * 0.618_034) % 1)),
    slowWrites: seed % 3 === 0,
  };
}

function failureAt(seed: number, what: string): Failure {
  return { seed: String(seed), what, replay: replayCommand(layer, seed) };
}
