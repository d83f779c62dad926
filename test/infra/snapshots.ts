import { z } from 'zod';
import { read } from '../docs/pages.ts';

/** A resource as `bicep snapshot` predicts it. What only Azure knows stays an expression in square brackets. */
export interface Resource {
  id: string;
  type: string;
  name: string;
  properties: Record<string, unknown>;
  [member: string]: unknown;
}

export interface Snapshot {
  text: string;
  resources: Resource[];
  outputs: Record<string, unknown>;
}

const schema = z.object({
  predictedResources: z.array(
    z.looseObject({
      id: z.string(),
      type: z.string(),
      name: z.string(),
      properties: z.record(z.string(), z.unknown()).default({}),
    }),
  ),
  diagnostics: z.tuple([]),
  outputs: z.record(z.string(), z.unknown()).default({}),
});

export const subscription = '/subscriptions/11111111-1111-1111-1111-111111111111';

/** The committed snapshot of a parameter file of `infra`. */
export function snapshotOf(parameters: string): Snapshot {
  const text = read(`infra/${parameters}.snapshot.json`);
  const { predictedResources: resources, outputs } = schema.parse(JSON.parse(text));
  return { text, resources, outputs };
}

export function ofType({ resources }: Snapshot, type: string): Resource[] {
  return resources.filter((resource) => resource.type === type);
}

/** The only resource of its type. Throws an Error if there is none or more than one. */
export function theOnly(snapshot: Snapshot, type: string): Resource {
  const [only, ...others] = ofType(snapshot, type);
  if (only === undefined || others.length > 0) throw new Error(`There is not exactly one ${type}.`);
  return only;
}

/** The app settings of a snapshot of `main.bicep`. */
export function settingsOf(snapshot: Snapshot): Record<string, string> {
  const [settings] = ofType(snapshot, 'Microsoft.Web/sites/config');
  return z.record(z.string(), z.string()).parse(settings?.properties);
}
