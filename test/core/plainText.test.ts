import { describe, expect, it } from 'vitest';
import { isBlank, isPlainText, toPlainText } from '../../src/core/plainText.ts';

const unfit: [string, string][] = [
  ['a line break', '\n'],
  ['a tab', '\t'],
  ['NUL', '\0'],
  ['DEL', '\x7f'],
  ['a C1 control', '\x9b'],
  ['a line separator', '\u2028'],
  ['a bidirectional override', '\u202E'],
  ['a bidirectional isolate', '\u2067'],
  ['a half surrogate', '\uD83D'],
];

describe('plain text', () => {
  it.each(unfit)('does not hold %s', (_name, character) => {
    expect(isPlainText(`before${character}after`)).toBe(false);
    expect(toPlainText(`before${character}after`, 100)).toBe('beforeafter');
  });

  it.each(['Émile fixes the façade', 'תיקון', '修理', 'fix 🔧 it', '<script>alert(1)</script>'])(
    'may be %s',
    (text) => {
      expect(isPlainText(text)).toBe(true);
      expect(toPlainText(text, 100)).toBe(text);
    },
  );

  it('is cut between characters, not within one', () => {
    expect(toPlainText('🔧🔧🔧', 2)).toBe('🔧🔧');
  });

  it.each([
    ['nothing', ''],
    ['spaces', ' \u00A0\u3000'],
    ['zero-width spaces', '\u200B\u2060\uFEFF'],
    ['a soft hyphen', '\u00AD'],
    ['a Hangul filler', '\u3164'],
    ['an empty Braille cell', '\u2800'],
    ['tags', '\u{E0041}'],
  ])('is blank when it is %s', (_name, text) => {
    expect(isBlank(text)).toBe(true);
  });

  it.each(['.', '🔧', '👩‍🔧', ' 修 '])('is not blank when it shows %s', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});
