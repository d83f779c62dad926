import type { RunLayer, Size } from './layer.ts';

export interface Layer {
  /** Its letter, by which it is called and replayed. */
  letter: string;
  title: string;
  /** Into how many parts a whole run is cut; 1 for what cannot be shared between processes. */
  parts: Record<Size, number>;
  load: () => Promise<{ run: RunLayer }>;
}

/** Every layer of the proof; a run takes them in this order. */
export const layers: readonly Layer[] = [
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
];

/** The layer of a letter, or undefined. */
export function layerOf(letter: string): Layer | undefined {
  return layers.find((layer) => layer.letter === letter.toUpperCase());
}
