import type { RunLayer, Size } from './layer.ts';

export interface Layer {
  /** Its letter, by which it is called and replayed. */
  letter: string;
  title: string;
  /** Into how many parts a whole run is cut; 1 for what cannot be shared between processes, 0 for none of it. */
  parts: Record<Size, number>;
  load: () => Promise<{ run: RunLayer }>;
}

/** Every layer of the proof; a run takes them in this order. */
export const layers: readonly Layer[] = [
  {
    letter: 'A',
    title: 'deaths at every effect, single and in pairs',
    parts: { quick: 1, usual: 8, full: 40 },
    load: () => import('./layers/aCrashPoints.ts'),
  },
  {
    letter: 'B',
    title: 'faults at every call, single and in pairs',
    parts: { quick: 1, usual: 8, full: 30 },
    load: () => import('./layers/bFaults.ts'),
  },
  {
    letter: 'C',
    title: 'simulated histories',
    parts: { quick: 1, usual: 20, full: 100 },
    load: () => import('./layers/cHistories.ts'),
  },
  {
    letter: 'D',
    title: 'every state of a model of grants, workers, ARM and time',
    parts: { quick: 1, usual: 5, full: 7 },
    load: () => import('./layers/dModel.ts'),
  },
  {
    letter: 'E',
    title: 'two workers, interrupted at every call',
    parts: { quick: 1, usual: 4, full: 16 },
    load: () => import('./layers/eInterleavings.ts'),
  },
  {
    letter: 'F',
    title: 'the planner against a packet oracle',
    parts: { quick: 1, usual: 8, full: 40 },
    load: () => import('./layers/fPlanner.ts'),
  },
  {
    letter: 'G',
    title: 'hostile input against the HTTP handlers',
    parts: { quick: 1, usual: 6, full: 40 },
    load: () => import('./layers/gFuzz.ts'),
  },
  {
    letter: 'H',
    title: 'Azure RBAC against a second evaluator',
    parts: { quick: 1, usual: 1, full: 2 },
    load: () => import('./layers/hRbac.ts'),
  },
  {
    letter: 'I',
    title: 'real processes killed, with storage and ARM over sockets',
    parts: { quick: 0, usual: 2, full: 4 },
    load: () => import('./layers/iKills.ts'),
  },
  {
    letter: 'K',
    title: 'mutants of our own code',
    parts: { quick: 0, usual: 2, full: 4 },
    load: () => import('./layers/kMutants.ts'),
  },
  {
    letter: 'T',
    title: 'the naive twins fail what they must fail',
    parts: { quick: 1, usual: 1, full: 1 },
    load: () => import('./layers/tTwin.ts'),
  },
];

/** The layer of a letter, or undefined. */
export function layerOf(letter: string): Layer | undefined {
  return layers.find((layer) => layer.letter === letter.toUpperCase());
}
