import type { Box, LiveRow } from './accessRequest.ts';
import type { Json, JsonObject } from './network.ts';

/** An owned rule before it has a priority. */
export interface UnplacedRule {
  name: string;
  description: string;
  box: Box;
  /** Of a baseline; an allow otherwise. */
  access?: 'Deny';
  /** What is wanted instead of the whole box: the properties that somebody has narrowed it to. */
  accepted?: JsonObject;
}

const installationPattern = /^[a-z0-9]{1,12}$/;
const requestIdPattern = /^[0-9a-f]{32}$/;

/**
 * Whether a text can be an installation id.
 * It has no dash, so that one installation's prefix is never the beginning of another's.
 */
export function isInstallationId(text: string): boolean {
  return installationPattern.test(text);
}

/** Whether a text can be a request's id. */
export function isRequestId(text: string): boolean {
  return requestIdPattern.test(text);
}

/** Whether a rule is this installation's by its name; ARM ignores the case of names, so must we. */
export function isOwned(name: string, installation: string): boolean {
  return name.toLowerCase().startsWith(prefixOf(installation));
}

/** The name of the n-th rule of a grant, n from 1; at most 80 characters, as Azure demands. */
export function ownedName(installation: string, requestId: string, number: number): string {
  return `${prefixOf(installation)}${requestId}-${number}`;
}

/** What an owned rule's name says, or undefined if it is not as this installation would write it. */
export function parseOwnedName(
  name: string,
  installation: string,
): { requestId: string; number: number } | undefined {
  if (!isOwned(name, installation)) return undefined;
  const rest = name.toLowerCase().slice(prefixOf(installation).length);
  const [, requestId, number] = /^([0-9a-f]{32})-([1-9]\d{0,3})$/.exec(rest) ?? [];
  return requestId === undefined ? undefined : { requestId, number: Number(number) };
}

/** What stands in the description of a grant's rules, at most 140 characters: evidence for the time without tables. */
export function describeGrant(requestId: string, end: string): string {
  return `Sallyport grant ${requestId} until ${new Date(end).toISOString()}. Managed: do not edit.`;
}

/**
 * Whose rule a description says that it describes, and until when; undefined if it is not exactly as `describeGrant`
 * writes it. Evidence only while rows cannot be read or are lost: whoever edits a rule can edit this too.
 */
export function readDescription(text: string): { requestId: string; end: Date } | undefined {
  const [, requestId = '', end = ''] = /^Sallyport grant ([0-9a-f]{32}) until (\S{24})\. /.exec(text) ?? [];
  const instant = new Date(end);
  if (Number.isNaN(instant.getTime()) || describeGrant(requestId, end) !== text) return undefined;
  return { requestId, end: instant };
}

/** The rules of one grant in one NSG: one per box, as accepted where somebody has narrowed or deleted it. */
export function ownedRules(
  row: Pick<LiveRow, 'requestId' | 'end' | 'boxes' | 'accepted'>,
  installation: string,
): UnplacedRule[] {
  const description = describeGrant(row.requestId, row.end);
  return row.boxes.flatMap((box, index) => {
    const number = index + 1;
    const accepted = row.accepted?.[number];
    if (accepted === 'absent') return [];
    const rule = { name: ownedName(installation, row.requestId, number), description, box };
    return [accepted === undefined ? rule : { ...rule, accepted }];
  });
}

/** The raw rule as it is written to Azure: exactly one value stands in the singular field, several in the plural. */
export function rawRule(rule: UnplacedRule, priority: number): JsonObject {
  const { box, accepted, name, description, access = 'Allow' } = rule;
  if (accepted !== undefined) return { name, properties: { ...accepted, description, priority } };
  return {
    name,
    properties: {
      description,
      protocol: box.protocol,
      sourcePortRange: '*',
      ...oneOrMany('destinationPortRange', 'destinationPortRanges', box.destinationPorts.map(String)),
      ...oneOrMany('sourceAddressPrefix', 'sourceAddressPrefixes', box.sourceAddressPrefixes),
      ...oneOrMany('destinationAddressPrefix', 'destinationAddressPrefixes', box.destinationAddressPrefixes),
      access,
      priority,
      direction: 'Inbound',
    },
  };
}

function oneOrMany(one: string, many: string, values: string[]): Record<string, Json> {
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? { [one]: only } : { [many]: values };
}

function prefixOf(installation: string): string {
  return `sallyport-${installation}-`;
}
