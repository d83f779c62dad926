/** Layer T: the naive twins in the same harness break the promises that they must break, and Sallyport keeps them. */
import { replayCommand, seedsOf, type Failure, type LayerOptions, type LayerResult } from '../layer.ts';
import { naiveKinds } from '../simulation/naiveTwin.ts';
import { runTwinScenario, twinScenarios, type Subject } from '../simulation/twinScenarios.ts';

const subjects: readonly Subject[] = ['sallyport', ...naiveKinds];

export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = Date.now();
  const counted = { scenarios: 0, 'promises broken by the naive twins': 0 };
  const failures: Failure[] = [];
  for (const seed of seedsOf(options, twinScenarios.length)) {
    const scenario = twinScenarios[seed - 1];
    if (scenario === undefined) throw new Error('There is no such scenario.');
    counted.scenarios += 1;
    for (const subject of subjects) {
      const broken = await runTwinScenario(scenario, subject);
      const wanted = subject === 'sallyport' ? undefined : scenario.breaks[subject];
      const asWanted =
        wanted === undefined ? broken.length === 0 : broken.some((promise) => promise.startsWith(wanted));
      if (wanted !== undefined && asWanted) counted['promises broken by the naive twins'] += 1;
      if (asWanted) continue;
      const what = `${subject}, when ${scenario.name}: ${broken.join('; ') || 'nothing'} instead of ${wanted ?? 'nothing'}`;
      failures.push({ seed: String(seed), what, replay: replayCommand('T', seed) });
    }
  }
  return {
    ...{ layer: 'T', title: 'the naive twins fail what they must fail', counted, failures },
    seeds: options.seed === undefined ? `1–${twinScenarios.length}` : String(options.seed),
    milliseconds: Date.now() - began,
  };
}
