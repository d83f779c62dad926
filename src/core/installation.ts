import type { Band } from './band.ts';
import { isInstallationId } from './ownedRule.ts';

/** Which rules are ours and where they may stand. */
export interface Installation {
  /** Lower-case letters and digits, at most 12. */
  id: string;
  /** Where the allows of grants live. */
  allowBand: Band;
  /** Where baseline denies live, directly or later behind the allows: an allow must come first to have an effect. */
  baselineBand: Band;
}

/** What is wrong with an installation's settings, as sentences; empty if nothing is. */
export function problemsOfInstallation(installation: Installation): string[] {
  const problems: string[] = [];
  if (!isInstallationId(installation.id)) {
    problems.push('The installation id must be 1 to 12 lower-case letters or digits.');
  }
  for (const [name, band] of [
    ['allow', installation.allowBand],
    ['baseline', installation.baselineBand],
  ] as const) {
    const whole = Number.isInteger(band.first) && Number.isInteger(band.last);
    if (!whole || band.first < 100 || band.last > 4096 || band.first > band.last) {
      problems.push(`The ${name} band must be a range of whole numbers within 100 to 4096.`);
    }
  }
  if (installation.allowBand.last >= installation.baselineBand.first) {
    problems.push('The allow band must end before the baseline band begins.');
  }
  return problems;
}
