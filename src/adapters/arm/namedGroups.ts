import type { NsgDocument } from '../../core/network.ts';
import type { Nsgs } from './nsg.ts';
import { isRecord } from './problem.ts';
import { parseIdOfType, pathOf, type ResourceId } from './resourceId.ts';

const groupType = 'Microsoft.Network/applicationSecurityGroups';
const sides = ['sourceApplicationSecurityGroups', 'destinationApplicationSecurityGroups'];

/** The application security groups that rules of NSGs name, as the NSGs were last read. */
export interface NamedGroups {
  note(nsg: Pick<NsgDocument, 'id' | 'body'>): void;
  /** None of an NSG that was not read here: that is not worth a read. */
  of(nsgId: string): readonly ResourceId[];
}

/** Remembers them. */
export function createNamedGroups(): NamedGroups {
  const known = new Map<string, readonly ResourceId[]>();
  return {
    note({ id, body }) {
      const named = groupsIn(body);
      if (named.length > 0) known.set(id.toLowerCase(), named);
      else known.delete(id.toLowerCase());
    },
    of: (nsgId) => known.get(nsgId.toLowerCase()) ?? [],
  };
}

/** The same NSGs; what is read of them is noted. */
export function noting(nsgs: Nsgs, named: NamedGroups): Nsgs {
  return {
    ...nsgs,
    async read(nsgId, options) {
      const result = await nsgs.read(nsgId, options);
      if (result.kind === 'read') named.note(result.nsg);
      return result;
    },
  };
}

function groupsIn({ properties }: NsgDocument['body']): ResourceId[] {
  const rules = isRecord(properties) ? properties['securityRules'] : undefined;
  const references = recordsIn(rules).flatMap((rule) => {
    const { properties: ofRule } = rule;
    return isRecord(ofRule) ? sides.flatMap((side) => recordsIn(ofRule[side])) : [];
  });
  const ids = references.flatMap(({ id }) =>
    typeof id === 'string' ? (parseIdOfType(id, groupType) ?? []) : [],
  );
  return [...new Map(ids.map((id) => [pathOf(id).toLowerCase(), id])).values()];
}

function recordsIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isRecord) : [];
}
