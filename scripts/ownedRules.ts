import { toPlainText } from '../src/core/plainText.ts';
import type { OwnedRules } from '../src/workflow/adoptInstallation.ts';

/** More than Azure allows in a name or a description. */
const longestText = 140;

/**
 * Lines for a terminal: how many rules of an installation there are, and each with its description. Whoever may write an
 * NSG wrote these texts: none of them may begin a line of its own or move the cursor before somebody confirms.
 */
export function linesOf(found: readonly OwnedRules[], installation: string): string[] {
  const count = found.flatMap(({ rules }) => rules).length;
  return [
    `Installation ${installation}: ${count} rules in ${found.length} network security groups.`,
    ...found.flatMap(({ nsgId, rules }) => [
      '',
      nsgId,
      ...rules.flatMap(({ name, access, priority, description }) => [
        `  ${priority} ${toPlainText(access, longestText)} ${toPlainText(name, longestText)}`,
        `    ${toPlainText(description, longestText)}`,
      ]),
    ]),
  ];
}

/** The line that tells of a subscription whose network security groups could not be listed: rules may stand there. */
export function notCheckedLine(subscriptionId: string, cause: string): string {
  return `Not checked: subscription ${subscriptionId}. ${toPlainText(cause, 300)}`;
}
