import type { LayerResult } from './layer.ts';

/** A table in Markdown, one row per layer. */
export function tableLines(results: readonly LayerResult[]): string[] {
  return [
    '| layer | what | counted | seeds | time | failures |',
    '| --- | --- | --- | --- | --- | --- |',
    ...results.map(
      ({ layer, title, counted, seeds, milliseconds, failures }) =>
        `| ${layer} | ${title} | ${countWords(counted)} | ${seeds} | ${(milliseconds / 1000).toFixed(0)} s | ${failures.length} |`,
    ),
  ];
}

/** Each failure with the command that shows it again. */
export function failureLines({ layer, failures }: LayerResult): string[] {
  return failures.flatMap(({ seed, what, replay }) => [
    '',
    `${layer} failed at seed ${seed}: ${what}`,
    `  ${replay}`,
  ]);
}

function countWords(counted: Record<string, number>): string {
  return Object.entries(counted)
    .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
    .join(', ');
}
