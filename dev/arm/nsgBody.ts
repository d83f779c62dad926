import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { gatewayError, invalidFormat, providerError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { JsonObject, Nsg, Rule } from './resource.ts';
import { idKey, isObject, NSG_TYPE, without } from './resource.ts';
import { readRule } from './rules.ts';
import type { World } from './world.ts';
import { topLevelId } from './target.ts';

const READ_ONLY = [
  'provisioningState',
  'resourceGuid',
  'defaultSecurityRules',
  'networkInterfaces',
  'subnets',
  'flowLogs',
];

/** Reads the NSG that a PUT asks for: what is read-only in the body is ignored or kept as it was. */
export function readNsg({ body, target }: Exchange, existing: Nsg | undefined, name: string): Nsg {
  if (!isObject(body)) throw invalidFormat('InvalidJson', 'The body must be a network security group.');
  const { location, tags } = body;
  const given = isObject(body['properties']) ? body['properties'] : {};
  if (typeof location !== 'string') {
    throw gatewayError(400, 'LocationRequired', 'The location property is required for this definition.');
  }
  if (existing?.location !== undefined && normalLocation(existing.location) !== normalLocation(location)) {
    throw gatewayError(
      409,
      'InvalidResourceLocation',
      `The resource '${name}' already exists in location '${existing.location}' in resource group ` +
        `'${target.resourceGroup ?? ''}'. A resource with the same name cannot be created in location ` +
        `'${location}'. Please select a new resource name.`,
    );
  }
  const flowLogs = existing?.properties['flowLogs'];
  return {
    ...without(body, 'id', 'name', 'type', 'etag', 'location', 'tags', 'properties'),
    id: existing?.id ?? topLevelId(target),
    name: existing?.name ?? name,
    type: NSG_TYPE,
    location: existing?.location ?? location,
    ...(isObject(tags) && { tags: tags as Record<string, string> }),
    etag: randomUUID(),
    properties: {
      ...without(given, ...READ_ONLY, 'securityRules'),
      provisioningState: 'Updating',
      resourceGuid: existing?.properties.resourceGuid ?? randomUUID(),
      securityRules: readRules(given['securityRules']),
      ...(flowLogs !== undefined && { flowLogs }),
    },
  };
}

function readRules(list: unknown): Rule[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) throw invalidFormat('InvalidJson', 'securityRules must be a list.');
  const rules: unknown[] = list;
  return rules.map((rule) => {
    if (!isObject(rule) || typeof rule['name'] !== 'string') {
      throw invalidFormat('InvalidJson', 'Every security rule must have a name.');
    }
    return readRule(rule['name'], rule);
  });
}

/** Application security groups that a rule names must exist. */
export function checkApplicationGroups(world: World, nsg: Nsg): void {
  for (const { name, properties } of nsg.properties.securityRules) {
    const groups = [
      ...(properties.sourceApplicationSecurityGroups ?? []),
      ...(properties.destinationApplicationSecurityGroups ?? []),
    ];
    const absent = groups.find(({ id }) => !world.resources.has(idKey(id)));
    if (!absent) continue;
    throw providerError(
      400,
      'InvalidResourceReference',
      `Resource ${absent.id} referenced by resource ${nsg.id}/securityRules/${name} was not found. Please make ` +
        'sure that the referenced resource exists, and that both resources are in the same region.',
    );
  }
}

/** Whether two versions of an NSG differ in nothing but tags and etag. */
export function sameContent(before: Nsg, after: Nsg): boolean {
  return isDeepStrictEqual(content(before), content(after));
}

function content(nsg: Nsg): JsonObject {
  const rules = nsg.properties.securityRules.map((rule) => ({
    ...rule,
    properties: without(rule.properties, 'provisioningState'),
  }));
  const properties = without(nsg.properties, 'provisioningState', 'securityRules');
  return { ...without(nsg, 'etag', 'tags'), properties: { ...properties, rules } };
}

export function normalLocation(location: string): string {
  return location.toLowerCase().replaceAll(' ', '');
}
