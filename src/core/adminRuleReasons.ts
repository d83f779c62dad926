import type { Box } from './accessRequest.ts';
import type { AdminVerdict } from './guard/adminVerdicts.ts';
import type { Reason } from './reason.ts';
import { judgeBox, type ReadSecurityAdminRules, type SecurityAdminRule } from './securityAdminRule.ts';

/** What the rules of a network mean for a grant there. */
export interface AdminRuleReasons {
  /** It would not take effect. */
  against: Reason[];
  /** What to tell, whatever is decided. */
  warnings: Reason[];
}

/** Each kind of reason at most so often: they are stored with the request. */
const most = 5;

/**
 * What the rules of one network do to the boxes that are to be opened at a machine in it: a `Deny` that surely keeps out
 * a part of them is against it, and one that may is told; so is an `AlwaysAllow` of the same ports for anybody, whom no
 * rule of ours keeps out. What is not known refuses nobody.
 */
export function adminRuleReasons(
  read: ReadSecurityAdminRules,
  { virtualNetworkId, boxes, field }: { virtualNetworkId: string; boxes: readonly Box[]; field: string },
): AdminRuleReasons {
  if (read.kind === 'not-checked') return { against: [], warnings: [notChecked(read.message)] };
  const { rules } = read;
  const denials = new Map<number, AdminVerdict>();
  const allows = new Map<number, { verdict: AdminVerdict; ports: Set<number> }>();
  for (const box of boxes) {
    const ofGrant = judgeBox(rules, box);
    const ofEverybody = judgeBox(rules, { ...box, sourceAddressPrefixes: ['*'] });
    if (ofGrant === undefined || ofEverybody === undefined) {
      const message = 'Those of this network are too many to judge.';
      return { against: [], warnings: [notChecked(message)] };
    }
    for (const one of ofGrant.verdicts) {
      if (one.access === 'deny' && denials.get(one.rule)?.isCertain !== true) denials.set(one.rule, one);
    }
    for (const one of ofEverybody.verdicts) {
      if (one.access !== 'always-allow') continue;
      const earlier = allows.get(one.rule);
      const isCertain = one.isCertain || earlier?.verdict.isCertain === true;
      const sources = [...new Set([...(earlier?.verdict.sources ?? []), ...one.sources])];
      allows.set(one.rule, {
        verdict: { ...one, isCertain, sources },
        ports: new Set([...(earlier?.ports ?? []), ...box.destinationPorts]),
      });
    }
  }
  const named = ({ rule }: AdminVerdict) => describe(rules[rule], virtualNetworkId);
  const certain = [...denials.values()].filter(({ isCertain }) => isCertain);
  const perhaps = [...denials.values()].filter(({ isCertain }) => !isCertain);
  return {
    against: certain.slice(0, most).map((one) => ({
      code: 'blocked-by-security-admin-rule',
      message: `${named(one)} keeps this access out before any network security group is asked. Whoever manages the network can change it; then ask again.`,
      field,
    })),
    warnings: [
      ...perhaps.slice(0, most).map((one): Reason => ({
        code: 'perhaps-blocked-by-security-admin-rule',
        message: `${named(one)} may keep this access out before any network security group is asked: that depends on a service tag, a network group or an order of rules that Azure does not tell.`,
        field,
      })),
      ...[...allows.values()].slice(0, most).map(({ verdict, ports }): Reason => ({
        code: 'not-protected',
        message: `${named(verdict)} ${verdict.isCertain ? 'always allows' : 'may always allow'} ${listed(verdict.sources)} to reach port ${listed([...ports].map(String))}: no network security group keeps them out, neither before this access nor after it.`,
        field,
      })),
    ],
  };

  function notChecked(why: string): Reason {
    return {
      code: 'not-checked',
      message: `Security admin rules of Virtual Network Manager, which come before every network security group, were not checked for ${virtualNetworkId}. ${why}`,
      field,
    };
  }
}

function describe(rule: SecurityAdminRule | undefined, virtualNetworkId: string): string {
  const id = rule?.id === '' || rule === undefined ? '' : ` (${rule.id})`;
  return `The security admin rule "${rule?.name ?? ''}"${id} for ${virtualNetworkId}`;
}

function listed(values: readonly string[]): string {
  const shown = values.slice(0, most).map((value) => (value === '*' ? 'everybody' : value));
  return values.length > most ? `${shown.join(', ')} and ${values.length - most} more` : shown.join(', ');
}
