/** A change of one or a few places of the source that makes the product wrong, and what should notice it. */
export interface Mutant {
  id: string;
  /** What a careless hand did, in a few words. */
  what: string;
  /** The promise that it breaks, or the rule that it leaves out. */
  breaks: string;
  file: string;
  edits: readonly Edit[];
  /** Letters of layers and test files that are asked, cheapest first; each must notice on its own. */
  hunters: readonly string[];
  /** The plan lets other packets pass: the guard alone must keep every such write from leaving. */
  changesPackets?: true;
}

export interface Edit {
  /** Stands exactly once in the file. */
  text: string;
  replacement: string;
}

/** The source with the mutant in it. Throws if a text of it does not stand there exactly once. */
export function mutated({ id, file, edits }: Mutant, source: string): string {
  return edits.reduce((result, { text, replacement }) => {
    const parts = result.split(text);
    if (parts.length !== 2) {
      throw new Error(
        `The mutant "${id}" does not apply: its text stands ${parts.length - 1} times in ${file}. Write it anew: ${text}`,
      );
    }
    return parts.join(replacement);
  }, source);
}

/** Where in the source the first edit of a mutant is: no two mutants may change the same to the same. */
export function placeOf({ file, edits }: Mutant): string {
  return JSON.stringify([file, edits]);
}
