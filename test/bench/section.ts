/** One target and what was measured against it. */
export interface Check {
  /** Names what was measured, such as `P2, 100 grants: writes to open`. */
  name: string;
  met: boolean;
  /** By how much, when it is missed. */
  measured: string;
  target: string;
}

/** One part of docs/performance.md, in Markdown, and the targets that it shows to be met or missed. */
export interface Section {
  text: string;
  checks: Check[];
}

/** A table in Markdown; cells that hold numbers are written with at most two digits after the point. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((cells) => line(cells.map((cell) => (typeof cell === 'number' ? figure(cell) : cell)))),
  ].join('\n');
}

/** A number as people read it; a dash for what was never measured. */
export function figure(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return '–';
  return Number.isInteger(value) ? String(value) : value.toFixed(digits);
}

/** A target that is an upper bound. */
export function atMost(name: string, value: number, bound: number, unit = ''): Check {
  return {
    name,
    met: value <= bound,
    measured: `${figure(value)}${unit}`,
    target: `≤ ${figure(bound)}${unit}`,
  };
}
