import type { AcceptedRules, LiveRow } from '../../src/core/accessRequest.ts';
import type { JsonObject } from '../../src/core/network.ts';
import { ownedRules, rawRule } from '../../src/core/ownedRule.ts';
import { installation } from './nsgArbitraries.ts';

/**
 * A rule that admits less than one with these raw properties, or the same where a pick leaves all as it is: in one
 * dimension after the other, as somebody might do it in the portal.
 */
export function narrowed(properties: JsonObject, picks: number): JsonObject {
  const sources = listOf(properties, 'sourceAddressPrefix', 'sourceAddressPrefixes');
  const ports = listOf(properties, 'destinationPortRange', 'destinationPortRanges');
  const bit = (place: number) => ((picks >> place) & 1) === 1;
  return {
    ...properties,
    ...(bit(0) && properties['protocol'] === '*' ? { protocol: 'UDP' } : {}),
    ...(bit(1) ? { sourcePortRange: '1024-65535' } : {}),
    ...(bit(2) ? plural('destinationPortRange', ports.slice(0, 1)) : {}),
    ...(bit(3) ? plural('sourceAddressPrefix', sources.slice(-1).map(lowerHalf)) : {}),
  };
}

/** What might be accepted of each rule of a row, by the picks: nothing, its deletion, or something narrower. */
export function acceptedOf(row: LiveRow, picks: number[]): AcceptedRules {
  const forms = ownedRules(row, installation.id).map((rule, index): [string, AcceptedRules[string]][] => {
    const pick = picks[index % picks.length] ?? 0;
    const { properties } = rawRule(rule, 0) as { properties: JsonObject };
    const { priority, description, ...form } = narrowed(properties, pick >> 2);
    if (priority === undefined || description === undefined) throw new Error('A rule has both.');
    return pick % 4 === 0 ? [] : [[String(index + 1), pick % 4 === 1 ? 'absent' : form]];
  });
  return Object.fromEntries(forms.flat());
}

function listOf(properties: JsonObject, one: string, many: string): string[] {
  return [properties[one], ...((properties[many] ?? []) as string[])].filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
}

function plural(one: string, values: string[]): JsonObject {
  return { [one]: '', [`${one}${one.endsWith('x') ? 'es' : 's'}`]: values };
}

function lowerHalf(prefix: string): string {
  const [address = '', length] = prefix.split('/');
  if (length === undefined) return prefix;
  const whole = address.includes(':') ? 128 : 32;
  return Number(length) < whole ? `${address}/${Number(length) + 1}` : prefix;
}
