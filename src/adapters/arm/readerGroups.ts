import { isResourceGroupId } from '../../core/resourceGroupId.ts';
import type { ResourceId } from './resourceId.ts';

/** Resource groups that this identity may read where it may not read their whole subscription. */
export interface ReaderGroups {
  subscriptionIds: readonly string[];
  /** What to list in a subscription: its own path, or those of the groups that may be read there. */
  pathsOf(subscriptionId: string): string[];
  /** Names of the groups that may be read; undefined where the whole subscription may. */
  namesIn(subscriptionId: string): readonly string[] | undefined;
  /** Whether what lies in a group is in the lists of its subscription. */
  includes(place: Pick<ResourceId, 'subscriptionId' | 'resourceGroup'>): boolean;
}

/** Throws if an id is not that of a resource group: what is left out by mistake would be taken for absent. */
export function readerGroupsOf(ids: readonly string[]): ReaderGroups {
  const names = new Map<string, string[]>();
  for (const id of ids) {
    if (!isResourceGroupId(id)) throw new Error('This is not the id of a resource group.');
    const [, , subscriptionId = '', , name = ''] = id.split('/');
    const key = subscriptionId.toLowerCase();
    const others = (names.get(key) ?? []).filter((other) => other.toLowerCase() !== name.toLowerCase());
    names.set(key, [...others, name]);
  }
  const namesIn = (subscriptionId: string) => names.get(subscriptionId.toLowerCase());
  return {
    subscriptionIds: [...names.keys()],
    namesIn,
    includes: ({ subscriptionId, resourceGroup }) =>
      namesIn(subscriptionId)?.some((name) => name.toLowerCase() === resourceGroup.toLowerCase()) ?? true,
    pathsOf: (subscriptionId) => {
      const subscription = `/subscriptions/${subscriptionId}`;
      return (
        namesIn(subscriptionId)?.map((name) => `${subscription}/resourceGroups/${name}`) ?? [subscription]
      );
    },
  };
}
