import { startTokenIssuer } from '../../support/tokenIssuer.ts';
import type { TokenIssuer } from '../../support/tokenIssuer.ts';
import { fuzzBody } from '../fuzz/bodies.ts';
import { fuzzDescribed } from '../fuzz/described.ts';
import { fuzzEvent } from '../fuzz/events.ts';
import { fuzzForwarded } from '../fuzz/forwarded.ts';
import { createFuzzedApi, personOf, principalOf } from '../fuzz/fuzzedApi.ts';
import type { FuzzedApi } from '../fuzz/fuzzedApi.ts';
import { fuzzJitDoor } from '../fuzz/jitDoor.ts';
import { fuzzPrefix } from '../fuzz/prefixes.ts';
import { fuzzPrincipal } from '../fuzz/principals.ts';
import { fuzzQuery } from '../fuzz/queries.ts';
import { fuzzToken } from '../fuzz/tokens.ts';
import { replayCommand, seedsOf, seedWords } from '../layer.ts';
import type { Failure, LayerOptions, LayerResult, Size } from '../layer.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';
import { submission } from '../../support/grantWorld.ts';

const layer = 'G';
const inputs: Record<Size, number> = { quick: 2_000, usual: 60_000, full: 1_040_000 };
/** So many inputs share one world, so that what was stored does not pile up. */
const inputsPerWorld = 200;

type Fuzz = (
  random: Random,
  seed: number,
  api: FuzzedApi,
  issuer: TokenIssuer,
) => Promise<string | undefined>;

type World = 'shared' | 'described' | 'jit';

/**
 * What is sent, by name; the shares are parts of their sum, so that the cheap and the dangerous come most often. What may
 * change policies has a world of its own: the others' requests would be refused by them.
 */
const kinds: readonly { name: string; share: number; fuzz: Fuzz; world?: World }[] = [
  { name: 'request bodies', share: 5, fuzz: fuzzBody },
  { name: 'App Service principals', share: 4, fuzz: fuzzPrincipal },
  { name: 'tokens', share: 1, fuzz: fuzzToken },
  { name: 'forwarded-for and other headers', share: 2, fuzz: fuzzForwarded },
  { name: 'prefixes', share: 5, fuzz: fuzzPrefix },
  { name: 'queries, paths and continuations', share: 2, fuzz: fuzzQuery },
  { name: 'events of Event Grid', share: 1, fuzz: fuzzEvent },
  { name: 'every route as it is described', share: 8, fuzz: fuzzDescribed, world: 'described' },
  { name: "calls of Microsoft's API", share: 3, fuzz: fuzzJitDoor, world: 'jit' },
];
const byShare = kinds.flatMap((kind) => Array<typeof kind>(kind.share).fill(kind));

/** Hostile input against the real HTTP handlers over the real service: no error of ours, nothing kept, nothing told. */
export async function run(options: LayerOptions): Promise<LayerResult> {
  const began = performance.now();
  const total = inputs[options.size];
  const counted: Record<string, number> = Object.fromEntries(kinds.map(({ name }) => [name, 0]));
  const failures: Failure[] = [];
  const issuer = await startTokenIssuer();
  try {
    let worlds = await newWorlds(issuer);
    for (const [index, seed] of seedsOf(options, total).entries()) {
      if (index > 0 && index % inputsPerWorld === 0) worlds = await newWorlds(issuer);
      const kind = byShare[seed % byShare.length];
      if (kind === undefined) throw new Error('A seed without a kind.');
      counted[kind.name] = (counted[kind.name] ?? 0) + 1;
      const api = worlds[kind.world ?? 'shared'];
      const what = await problemOf(() => kind.fuzz(createRandom(seed), seed, api, issuer));
      if (what !== undefined) {
        failures.push({
          seed: String(seed),
          what: `${kind.name}: ${what}`,
          replay: replayCommand(layer, seed),
        });
      }
    }
  } finally {
    await issuer.close();
  }
  return {
    layer,
    title: 'hostile input against the HTTP handlers',
    counted,
    seeds: seedWords(options, total),
    milliseconds: performance.now() - began,
    failures,
  };
}

async function newWorlds(issuer: TokenIssuer): Promise<Record<World, FuzzedApi>> {
  return { shared: await aWorld(issuer), described: await aWorld(issuer), jit: await aWorld(issuer) };
}

/** With a request of somebody else in it, of which nobody may hear. */
async function aWorld(issuer: TokenIssuer): Promise<FuzzedApi> {
  const api = await createFuzzedApi(issuer);
  const { virtualMachines, duration, justification } = submission;
  const body = { virtualMachines, duration, justification };
  const headers = principalOf(personOf(1));
  const { answer } = await api.ask(api.trusting.create, { method: 'POST', headers, body });
  if (answer.status !== 202) throw new Error(`The world could not be made: ${answer.text}`);
  return api;
}

async function problemOf(fuzz: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await fuzz();
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
