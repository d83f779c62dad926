import type { PlacedRule } from './nsgBody.ts';
import { rawRule } from './ownedRule.ts';
import type { UnplacedRule } from './ownedRule.ts';
import type { Seat } from './room.ts';
import { readMeaning, sameMeaning } from './securityRule.ts';

/** One rule that is desired, with what the body has under its name. */
export interface Wanted extends Seat {
  current: PlacedRule | undefined;
  /** The current one says exactly what is desired, its priority aside. */
  right: boolean;
}

/** Desired rules beside those of the body that may have their names. */
export function wantedRules(rules: UnplacedRule[], present: readonly PlacedRule[]): Wanted[] {
  const byName = new Map(present.map((rule) => [rule.head.name.toLowerCase(), rule]));
  return rules.map((rule) => {
    const current = byName.get(rule.name);
    const right =
      current?.head.description === rule.description &&
      sameMeaning(readMeaning(current.raw), readMeaning(rawRule(rule, current.head.priority)));
    return { rule, current, right, priority: undefined };
  });
}
