/** A process of the proof: runs one part of a layer after the other, as its parent asks. */
import { runPart } from './part.ts';
import type { PartOrder } from './part.ts';

process.on('message', (order: PartOrder) => {
  void runPart(order).then((answer) => process.send?.(answer));
});
// Without its parent nobody hears the answers.
process.on('disconnect', () => process.exit(1));
