import { contentHash } from './canonicalJson.ts';

/** What a seal says of one partition of the audit. */
export interface SealedPartition {
  partition: string;
  /** How many records it held. */
  count: number;
  /** The hash of the last of them, and through the chain of all; empty where there was none. */
  headHash: string;
}

/**
 * One link of the chain of seals: what had ended since the seal before it, and what its records were.
 * Inserted once, never changed. Its number and hash are also logged, where the storage's owner cannot rewrite them.
 */
export interface Seal {
  /** 1, 2, 3 … without gaps. */
  number: number;
  /** When it was made, ISO 8601. */
  at: string;
  sealed: SealedPartition[];
  /** Denied requests and days of refused credentials up to this place in the index were considered. */
  indexedUpTo: string;
  /** Hash of the seal before it; empty for the first. */
  previousHash: string;
  /** SHA-256, hexadecimal, of the seal without this field, as canonical JSON. */
  hash: string;
}

/** About 30 KB of JSON: a seal stays far below what a row holds. */
export const partitionsPerSeal = 200;

/** Completes a seal with its place in the chain. */
export function chainSeal(
  content: Pick<Seal, 'at' | 'sealed' | 'indexedUpTo'>,
  previous: Pick<Seal, 'number' | 'hash'> | undefined,
): Seal {
  const chained = {
    ...content,
    number: (previous?.number ?? 0) + 1,
    previousHash: previous?.hash ?? '',
  };
  return { ...chained, hash: contentHash(chained) };
}
