/**
 * What must not be in text that people will read in an audit trail: control characters (both sets), line and
 * paragraph separators, half surrogates, and the bidirectional embeddings, overrides and isolates that make text
 * look like other text.
 */
const unfit = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
const allUnfit = new RegExp(unfit.source, 'gu');

/** What takes room at most: white space, what is not shown by default, and the empty Braille cell. */
const unseen = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Whether text shows nothing to whoever reads it, however long it is. */
export function isBlank(text: string): boolean {
  return text.replace(unseen, '') === '';
}

/** Whether text holds nothing that changes how the text around it is read. */
export function isPlainText(text: string): boolean {
  return !unfit.test(text);
}

/** The text without what is unfit, cut to a number of code points. */
export function toPlainText(text: string, maximumCodePoints: number): string {
  return Array.from(text.replace(allUnfit, '')).slice(0, maximumCodePoints).join('').trim();
}
