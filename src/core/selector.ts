import { canonicalId } from './resourceId.ts';
import type { Selector } from './policy.ts';

/** Tags of a virtual machine, name → value. */
export type Tags = Readonly<Record<string, string>>;

/** What a selector is held against. */
export interface Selectable {
  /** ARM id of the virtual machine, in any case. */
  id: string;
  /** Left out where nobody has read them; only a selector of tags needs them. */
  tags?: Tags;
}

/** Whether an ARM id is that of the scope or lies in it: a subscription, a resource group or a resource, in any case. */
export function liesIn(id: string, scope: string): boolean {
  return `${canonicalId(id)}/`.startsWith(`${canonicalId(scope)}/`);
}

/** Whether the selector goes by tags, and the machine lies where it looks: without its tags nobody can tell. */
export function needsTags(selector: Selector, virtualMachineId: string): boolean {
  return (
    'scopes' in selector &&
    Object.keys(selector.tags ?? {}).length > 0 &&
    selector.scopes.some((scope) => liesIn(virtualMachineId, scope))
  );
}

/**
 * Whether the selector means this machine. Throws where that is a matter of tags that nobody has read: a policy that is
 * passed over could be the strictest one.
 */
export function selects(selector: Selector, { id, tags }: Selectable): boolean {
  if ('virtualMachineIds' in selector) {
    return selector.virtualMachineIds.some((named) => canonicalId(named) === canonicalId(id));
  }
  if (!selector.scopes.some((scope) => liesIn(id, scope))) return false;
  if (!needsTags(selector, id)) return true;
  if (tags === undefined) throw new Error(`The tags of ${id} are not known, and a policy selects by tags.`);
  return Object.entries(selector.tags ?? {}).every(([name, value]) => valueOf(tags, name) === value);
}

function valueOf(tags: Tags, name: string): string | undefined {
  return Object.entries(tags).find(([there]) => canonicalId(there) === canonicalId(name))?.[1];
}
