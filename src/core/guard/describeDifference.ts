import type { Change, Difference } from './difference.ts';

const maximumValues = 4;
const maximumText = 400;

/**
 * What a write changes, as sentences for an audit record: at most `maximumLines`, of at most 400 characters each.
 * Changes that differ in opaque sets only are one sentence. Unless it is so for every membership, it names what it
 * depends on; the exact sets stand in the difference itself.
 */
export function describeDifference(difference: Difference, maximumLines = 20): string[] {
  const lines = [
    ...sentences(
      difference.admitted,
      'can now reach',
      ({ after }) => after,
      'Whether it could before depends on',
    ),
    ...sentences(
      difference.refused,
      'can no longer reach',
      ({ before }) => before,
      'Whether it still can depends on',
    ),
  ];
  if (lines.length <= maximumLines) return lines;
  const shown = lines.slice(0, Math.max(0, maximumLines - 1));
  return [...shown, `And ${lines.length - shown.length} more changes.`];
}

function sentences(
  changes: Change[],
  verb: string,
  ruleOf: (change: Change) => string | undefined,
  depends: string,
): string[] {
  const groups = new Map<string, { text: string; sets: Set<string>; share: number }>();
  for (const change of changes) {
    const { direction, family, protocols, sources, destinations, sourcePorts, destinationPorts } = change;
    const from = isWhole(sourcePorts, everyPort) ? '' : ` from port ${listed(sourcePorts)}`;
    const ports =
      destinationPorts.length === 0
        ? ''
        : isWhole(destinationPorts, everyPort)
          ? ', every port'
          : ` ${listed(destinationPorts)}`;
    const way = direction === 'Outbound' ? ', outbound' : '';
    const rule = ruleOf(change);
    const by = rule === undefined ? '' : ` (rule ${cutOff(rule, 80)})`;
    const text = `${who(sources, family)}${from} ${verb} ${who(destinations, family)} on ${listed(protocols)}${ports}${way}${by}`;
    const key = JSON.stringify([text, protocols, sources, destinations, sourcePorts, destinationPorts]);
    const group = groups.get(key) ?? { text, sets: new Set<string>(), share: 0 };
    groups.set(key, group);
    [...change.inside, ...change.outside].forEach((set) => group.sets.add(set));
    // Changes have no packet in common: half of all memberships are within one set, a quarter within two …
    group.share += 2 ** -(change.inside.length + change.outside.length);
  }
  return [...groups.values()].map(({ text, sets, share }) =>
    cutOff(share === 1 ? `${text}.` : `${text}. ${depends}: ${listed([...sets])}.`, maximumText),
  );
}

const everyPort = '0-65535';

function who(addresses: string[], family: string): string {
  return isWhole(addresses, family === 'IPv4' ? '0.0.0.0/0' : '::/0')
    ? `every ${family} address`
    : listed(addresses);
}

function isWhole(values: string[], whole: string): boolean {
  return values.length === 0 || (values.length === 1 && values[0] === whole);
}

function listed(values: string[]): string {
  const shown = values.slice(0, maximumValues).join(', ');
  return values.length > maximumValues ? `${shown} and ${values.length - maximumValues} more` : shown;
}

function cutOff(text: string, maximum: number): string {
  return text.length > maximum ? `${text.slice(0, maximum - 1)}…` : text;
}
