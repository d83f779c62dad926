import { readFile } from 'node:fs/promises';
import type { Anchor } from '../src/core/verifySeals.ts';

/** An anchor that cannot be read: never passed over, or somebody would believe in it. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError';
}

const plain = /^\s*(\d{1,10}):([0-9a-f]{64})\s*$/i;
/** Cut off, or mistyped. */
const almost = /^\s*\d+:[0-9a-f]*\s*$|["\\]number["\\]+\s*:\s*\d+\s*,\s*["\\]+hash["\\]/i;
// Exports of logs quote the line's JSON once or twice more: \"number\":3 or ""number"":3.
const logged = /["\\]number["\\]+\s*:\s*(\d{1,10})\s*,\s*["\\]+hash["\\]+\s*:\s*["\\]+([0-9a-f]{64})["\\]/gi;

/**
 * The anchors that are given as `NUMBER:HASH` or as names of files with such lines or lines of the log.
 * Other lines of a log are passed over. Throws AnchorError for what is neither, for a file that cannot be read, and for
 * one that holds no anchor at all.
 */
export async function readAnchors(given: readonly string[]): Promise<Anchor[]> {
  const anchors = new Map<string, Anchor>();
  for (const each of given) {
    for (const anchor of plain.test(each) ? anchorsOf(each) : await fromFile(each)) {
      anchors.set(`${anchor.number}:${anchor.hash}`, anchor);
    }
  }
  return [...anchors.values()].sort((a, b) => a.number - b.number);
}

async function fromFile(name: string): Promise<Anchor[]> {
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch {
    throw new AnchorError(
      `--anchor ${name} is neither NUMBER:HASH, with 64 hexadecimal digits, nor a file to read.`,
    );
  }
  const lines = text.split(/\r?\n/);
  const anchors = lines.flatMap((line, index) => {
    const found = anchorsOf(line);
    if (found.length === 0 && almost.test(line)) {
      throw new AnchorError(`${name}, line ${index + 1}: an anchor's hash has 64 hexadecimal digits.`);
    }
    return found;
  });
  if (anchors.length === 0) throw new AnchorError(`${name} holds no anchor.`);
  return anchors;
}

function anchorsOf(line: string): Anchor[] {
  const found = plain.exec(line);
  return (found === null ? [...line.matchAll(logged)] : [found]).map(([, number, hash]) => ({
    number: Number(number),
    hash: (hash ?? '').toLowerCase(),
  }));
}
