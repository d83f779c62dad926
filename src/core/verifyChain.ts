export type ChainFault =
  /** The content is not what was hashed. */
  | 'changed'
  /** A number is skipped, or there were more links than there are. */
  | 'missing'
  /** A number is there twice. */
  | 'duplicate'
  /** A link out of order, or of another chain. */
  | 'misplaced'
  /** A link does not follow from the one before it: one of the two was replaced. */
  | 'broken-chain';

/** One record or seal, as far as its place in a chain is concerned. */
export interface ChainLink {
  number: number;
  previousHash: string;
  hash: string;
  /** The hash that its content has. */
  contentHash: string;
}

export interface ChainFinding {
  /** The link that it concerns; of several missing ones the first. */
  number: number;
  fault: ChainFault;
  message: string;
}

/** Checks links, in the order of their keys, against each other. A cut end it cannot see. */
export function verifyChain(noun: 'Record' | 'Seal', links: readonly ChainLink[]): ChainFinding[] {
  const findings: ChainFinding[] = [];
  const report = (number: number, fault: ChainFault, message: string) =>
    findings.push({ number, fault, message });

  let previous: ChainLink | undefined;
  for (const link of links) {
    const { number } = link;
    const expected = (previous?.number ?? 0) + 1;
    if (link.contentHash !== link.hash) {
      report(number, 'changed', `${noun} ${number} was changed after it was written: its hash differs.`);
    }
    if (number < expected) {
      if (number === previous?.number) report(number, 'duplicate', `${noun} ${number} is there twice.`);
      else report(number, 'misplaced', `${noun} ${number} stands behind ${lower(noun)} ${expected - 1}.`);
      continue;
    }
    if (number > expected) {
      const message = `${nameRange(noun, expected, number - 1)} missing before ${lower(noun)} ${number}.`;
      report(expected, 'missing', message);
    } else if (link.previousHash !== (previous?.hash ?? '')) {
      report(number, 'broken-chain', `${noun} ${number} does not follow from the ${lower(noun)} before it.`);
    }
    previous = link;
  }
  return findings;
}

/** `Record 3 is` or `Records 3 to 5 are`. */
export function nameRange(noun: 'Record' | 'Seal', first: number, last: number): string {
  return first === last ? `${noun} ${first} is` : `${noun}s ${first} to ${last} are`;
}

function lower(noun: string): string {
  return noun.toLowerCase();
}
