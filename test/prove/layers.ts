import type { RunLayer, Size } from './layer.ts';

export interface Layer {
  /** Its letter, by which it is called and replayed. */
  letter: string;
  title: string;
  /** Into how many parts a whole run is cut; 1 for what cannot be shared between processes, 0 for none of it. */
  parts: Record<Size, number>;
  /** Its file in `layers`. */
  file: string;
  /** Whether its result depends on more than what that file imports: on processes that it starts, on tests that it runs. */
  runsOthers?: true;
  /** Whether it mostly waits for processes of its own, so that others may compute beside it. */
  waits?: true;
  load: () => Promise<{ run: RunLayer }>;
}

/** Every layer of the proof; a run takes them in this order. */
export const layers: readonly Layer[] = [
  {
    letter: 'A',
    title: 'deaths at every effect, single and in pairs',
    parts: { quick: 1, usual: 8, full: 40 },
    file: 'aCrashPoints.ts',
    load: () => import('./layers/aCrashPoints.ts'),
  },
  {
    letter: 'B',
    title: 'faults at every call, single and in pairs',
    parts: { quick: 1, usual: 8, full: 30 },
    file: 'bFaults.ts',
    load: () => import('./layers/bFaults.ts'),
  },
  {
    letter: 'C',
    title: 'simulated histories',
    parts: { quick: 1, usual: 20, full: 100 },
    file: 'cHistories.ts',
    load: () => import('./layers/cHistories.ts'),
  },
  {
    letter: 'D',
    title: 'every state of a model of grants, workers, ARM and time',
    parts: { quick: 1, usual: 5, full: 7 },
    file: 'dModel.ts',
    load: () => import('./layers/dModel.ts'),
  },
  {
    letter: 'E',
    title: 'two workers, interrupted at every call',
    parts: { quick: 1, usual: 4, full: 16 },
    file: 'eInterleavings.ts',
    load: () => import('./layers/eInterleavings.ts'),
  },
  {
    letter: 'F',
    title: 'the planner against a packet oracle',
    parts: { quick: 1, usual: 8, full: 40 },
    file: 'fPlanner.ts',
    load: () => import('./layers/fPlanner.ts'),
  },
  {
    letter: 'G',
    title: 'hostile input against the HTTP handlers',
    parts: { quick: 1, usual: 6, full: 40 },
    file: 'gFuzz.ts',
    load: () => import('./layers/gFuzz.ts'),
  },
  {
    letter: 'H',
    title: 'Azure RBAC against a second evaluator',
    parts: { quick: 1, usual: 1, full: 2 },
    file: 'hRbac.ts',
    load: () => import('./layers/hRbac.ts'),
  },
  {
    letter: 'I',
    title: 'real processes killed, with storage and ARM over sockets',
    parts: { quick: 0, usual: 2, full: 4 },
    file: 'iKills.ts',
    runsOthers: true,
    waits: true,
    load: () => import('./layers/iKills.ts'),
  },
  {
    letter: 'K',
    title: 'mutants of our own code',
    parts: { quick: 0, usual: 2, full: 4 },
    file: 'kMutants.ts',
    runsOthers: true,
    load: () => import('./layers/kMutants.ts'),
  },
  {
    letter: 'T',
    title: 'the naive twins fail what they must fail',
    parts: { quick: 1, usual: 1, full: 1 },
    file: 'tTwin.ts',
    load: () => import('./layers/tTwin.ts'),
  },
];

/** The layer of a letter, or undefined. */
export function layerOf(letter: string): Layer | undefined {
  return layers.find((layer) => layer.letter === letter.toUpperCase());
}
