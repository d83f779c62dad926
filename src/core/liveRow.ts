import { canonicalPrefix, familyOf } from './address.ts';
import { protocols } from './accessRequest.ts';
import type { Box, LiveRow } from './accessRequest.ts';
import { covers, extentOf } from './extent.ts';
import { isRequestId, rawRule } from './ownedRule.ts';
import { readMeaning } from './securityRule.ts';

/**
 * Throws an Error that names the row if its boxes are not what a rule may be made of, or if what was accepted instead of
 * one admits more than it: nothing is guessed.
 */
export function checkRow(row: LiveRow): void {
  const problem = isRequestId(row.requestId)
    ? (problemOfBoxes(row.boxes) ?? problemOfAccepted(row))
    : 'its id is not 32 hexadecimal digits';
  if (problem !== undefined)
    throw new Error(`The live row of request ${row.requestId} is malformed: ${problem}`);
}

function problemOfBoxes(boxes: Box[]): string | undefined {
  if (boxes.length === 0) return 'it has no boxes';
  for (const box of boxes) {
    const prefixes = [...box.sourceAddressPrefixes, ...box.destinationAddressPrefixes];
    const [first] = prefixes;
    if (!protocols.includes(box.protocol)) return 'a protocol is unknown';
    if (first === undefined || box.sourceAddressPrefixes.length === 0) return 'a box has no source';
    if (box.destinationAddressPrefixes.length === 0) return 'a box has no destination';
    if (prefixes.some((prefix) => canonicalPrefix(prefix) !== prefix)) return 'a prefix is not canonical';
    if (prefixes.some((prefix) => familyOf(prefix) !== familyOf(first)))
      return 'a box mixes address families';
    if (box.destinationPorts.length === 0) return 'a box has no port';
    if (box.destinationPorts.some((port) => !Number.isInteger(port) || port < 1 || port > 65535)) {
      return 'a port is not a whole number from 1 to 65535';
    }
  }
  return undefined;
}

function problemOfAccepted({ boxes, accepted = {} }: LiveRow): string | undefined {
  for (const [number, form] of Object.entries(accepted)) {
    const box = boxes[Number(number) - 1];
    if (box === undefined) return 'it accepts a change of a rule that it has not';
    if (form === 'absent') continue;
    const rule = { name: '', description: '', box };
    const [granted, narrowed] = [rule, { ...rule, accepted: form }].map((one) =>
      readMeaning(rawRule(one, 0)),
    );
    if (granted === undefined || narrowed === undefined) continue;
    if (narrowed.access !== granted.access || !covers(extentOf(granted), extentOf(narrowed))) {
      return `it accepts a form of rule ${number} that admits more than was granted`;
    }
  }
  return undefined;
}
