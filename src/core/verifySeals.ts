import { contentHash } from './canonicalJson.ts';
import { finalStates } from './accessRequest.ts';
import type { AuditRecord } from './auditRecord.ts';
import type { Seal } from './seal.ts';
import { nameRange, verifyChain, type ChainFault } from './verifyChain.ts';
import { eventOf, type TrailFinding } from './verifyTrail.ts';

/** A seal's number and hash as the log had them: kept where the owner of the storage cannot write. */
export interface Anchor {
  number: number;
  hash: string;
}

export interface SealFinding {
  seal: number;
  fault: ChainFault | 'contradicts-anchor';
  message: string;
}

/**
 * Checks the seals, oldest first, against each other and against anchors.
 *
 * The chain alone is only consistent: whoever may write to the storage can rewrite all of it. Up to an anchor's seal
 * that is found, because its hash depends on every seal before it.
 */
export function verifySeals(seals: readonly Seal[], anchors: readonly Anchor[]): SealFinding[] {
  const chain = verifyChain(
    'Seal',
    seals.map((seal) => ({ ...seal, contentHash: contentHash(seal) })),
  );
  const findings: SealFinding[] = chain.map(({ number, ...rest }) => ({ seal: number, ...rest }));
  for (const { number, hash } of anchors) {
    const found = seals.find((seal) => seal.number === number);
    if (found === undefined) {
      const message = `Seal ${number} is missing: an anchor says that it was written.`;
      findings.push({ seal: number, fault: 'missing', message });
    } else if (found.hash !== hash) {
      const message = `Seal ${number} is not the one that was anchored: its hash was ${hash}.`;
      findings.push({ seal: number, fault: 'contradicts-anchor', message });
    }
  }
  return findings;
}

/** What one seal says of a partition's records. */
export interface Attestation {
  seal: number;
  count: number;
  headHash: string;
}

/** What the seals say of each partition, oldest first. A seal that repeats what an earlier one said adds nothing. */
export function attestationsOf(seals: readonly Seal[]): Map<string, Attestation[]> {
  const attestations = new Map<string, Attestation[]>();
  for (const { number, sealed } of seals) {
    for (const { partition, count, headHash } of sealed) {
      const known = attestations.get(partition) ?? [];
      attestations.set(partition, known);
      if (known.some((earlier) => earlier.count === count && earlier.headHash === headHash)) continue;
      known.push({ seal: number, count, headHash });
    }
  }
  return attestations;
}

/** Why approval was skipped may be looked at after the end; whether it was is for the request's row to say. */
const reviewed = eventOf({ event: 'break-glass-reviewed' });
const finalEvents: ReadonlySet<string> = new Set([...finalStates].map((event) => eventOf({ event })));

/**
 * Checks the records of one partition against what seals say of it: none of those that were sealed is gone, the last of
 * them is the one that was sealed, and none but a review follows the end of a request. That the others are those that were sealed
 * follows from their chain, which verifyTrail checks.
 */
export function verifySealed(
  partition: string,
  records: readonly AuditRecord[],
  attestations: readonly Attestation[],
): TrailFinding[] {
  return attestations.flatMap(({ seal, count, headHash }) => {
    if (count === 0) return [];
    const report = (sequence: number, message: string): TrailFinding[] => [
      { partition, sequence, fault: 'contradicts-seal', message },
    ];
    const last = Math.max(0, ...records.map(({ sequence }) => sequence));
    const head = records.find(({ sequence }) => sequence === count);
    if (last < count) {
      return report(
        last + 1,
        `${nameRange('Record', last + 1, count)} missing: seal ${seal} names ${count}.`,
      );
    }
    if (head === undefined) return report(count, `Record ${count} is missing: seal ${seal} names it.`);
    if (head.hash !== headHash) {
      return report(count, `Record ${count} is not the one that seal ${seal} names: it was rewritten.`);
    }
    const later = records.filter(({ sequence, event }) => sequence > count && event !== reviewed);
    if (finalEvents.has(head.event) && later.length > 0) {
      return report(
        count + 1,
        `${nameRange('Record', count + 1, last)} there after the end: seal ${seal} names ${count}.`,
      );
    }
    return [];
  });
}

/** How many of a partition's records are vouched for by seals up to this one. */
export function sealedCount(attestations: readonly Attestation[], upTo: number): number {
  return Math.max(0, ...attestations.filter(({ seal }) => seal <= upTo).map(({ count }) => count));
}
