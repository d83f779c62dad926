import { createHash } from 'node:crypto';
import { protocols, type Protocol } from './accessRequest.ts';
import { canonicalPrefix, familyOf } from './address.ts';
import { canonicalJson } from './canonicalJson.ts';
import type { BaselineSource } from './policy.ts';
import { canonicalId } from './resourceId.ts';

/** What a baseline keeps shut, as a cross product; a tag or `*` as source stands alone. */
export interface BaselineBox {
  protocol: Protocol;
  /** Canonical prefixes of the family of the destinations, or one of `*` and `Internet`. */
  sourceAddressPrefixes: string[];
  /** The private addresses of one virtual machine, of one family. */
  destinationAddressPrefixes: string[];
  destinationPorts: number[];
}

/** Which policy wants a baseline of a machine, and what it wants there: kept, so that it stands also when the machine has left it. */
export interface BaselineCause {
  policyId: string;
  version: number;
  /** Rising by number and protocol; at least one. */
  ports: { number: number; protocol: Protocol }[];
  source: BaselineSource;
  /** The policy names the machine by its id: it leaves only when somebody changes the policy, or when it is gone. */
  isNamed?: true;
  /** The machine has left the selector of this policy, or is gone: since when, ISO 8601. It stands until a person releases it. */
  leftAt?: string;
}

/** The baseline of one virtual machine at one NSG: a row beside the live rows of that NSG, made before its rules. */
export interface BaselineRow {
  nsgId: string;
  virtualMachineId: string;
  version: number;
  /** `ending`: a recorded decision has ended it. Its rules go, then its row. */
  state: 'standing' | 'ending';
  /** Since when it is ending, ISO 8601: who read it before may still write its rules for a while. */
  endingAt?: string;
  /**
   * Since when it stands as it does, ISO 8601, if it was ending or another one before: who read it then may still take these
   * rules away for a while.
   */
  standsSince?: string;
  boxes: BaselineBox[];
  causes: BaselineCause[];
  /** The earliest of its causes' `leftAt`. */
  leftAt?: string;
  /** Its rules as last read back: number of the rule → hash of its canonical meaning. */
  seen?: Record<string, string>;
}

/** Sources of a baseline that are no prefix, as Azure spells them. */
const wholeSources: ReadonlySet<string> = new Set(['*', 'Internet']);

/** What stands for a virtual machine where its id cannot: 32 hexadecimal digits, the same whatever the case of the id. */
export function machineKey(virtualMachineId: string): string {
  return createHash('sha256').update(canonicalId(virtualMachineId)).digest('hex').slice(0, 32);
}

/** The row of a baseline from the instant on at which a recorded decision ends it. */
export function endBaseline(row: BaselineRow, now: Date): BaselineRow {
  const next: BaselineRow = {
    ...row,
    version: row.version + 1,
    state: 'ending',
    endingAt: now.toISOString(),
  };
  delete next.seen;
  delete next.standsSince;
  return next;
}

/**
 * The row of a baseline that stands with these boxes from `now` on, whether it stood before or was ending. What was seen of
 * it is kept only where it goes on standing as it was: what its end or its change has taken away, nobody else has, and a
 * policy that is changed back wants again what was seen before.
 */
export function standBaseline(
  row: BaselineRow,
  { boxes, causes }: Pick<BaselineRow, 'boxes' | 'causes'>,
  now: Date,
): BaselineRow {
  const next: BaselineRow = { ...row, boxes, causes, version: row.version + 1, state: 'standing' };
  delete next.endingAt;
  delete next.seen;
  if (row.state === 'ending' || canonicalJson(boxes) !== canonicalJson(row.boxes)) {
    next.standsSince = now.toISOString();
  }
  const seen = row.state === 'standing' ? seenUnchanged(row, boxes) : [];
  return seen.length === 0 ? next : { ...next, seen: Object.fromEntries(seen) };
}

/** What was seen of the rules whose boxes are the same from now on. */
function seenUnchanged(row: BaselineRow, boxes: readonly BaselineBox[]): [string, string][] {
  const isSame = (index: number) => {
    const box = boxes[index];
    return box !== undefined && canonicalJson(box) === canonicalJson(row.boxes[index]);
  };
  return Object.entries(row.seen ?? {}).filter(([number]) => isSame(Number(number) - 1));
}

/** Whether it stands, and every rule of it was read back once. */
export function isMarked({ state, boxes, seen = {} }: BaselineRow): boolean {
  return state === 'standing' && boxes.every((_, index) => seen[index + 1] !== undefined);
}

/** Throws an Error that names the row if no rules may be made of it: nothing is guessed. */
export function checkBaseline(row: BaselineRow): void {
  const problem =
    row.state === 'ending' && Number.isNaN(Date.parse(row.endingAt ?? ''))
      ? 'it is ending and does not say since when'
      : (problemOfNumber(row.boxes) ?? row.boxes.map(problemOf).find((one) => one !== undefined));
  if (problem === undefined) return;
  throw new Error(`The baseline row of ${row.virtualMachineId} is malformed: ${problem}`);
}

function problemOfNumber({ length }: BaselineBox[]): string | undefined {
  if (length === 0) return 'it has no boxes';
  return length > 9999 ? 'it has more boxes than a name can number' : undefined;
}

function problemOf(box: BaselineBox): string | undefined {
  const { sourceAddressPrefixes: sources, destinationAddressPrefixes: destinations } = box;
  const isWhole = sources.length === 1 && sources.every((source) => wholeSources.has(source));
  const prefixes = isWhole ? destinations : [...sources, ...destinations];
  const [first] = prefixes;
  if (!protocols.includes(box.protocol)) return 'a protocol is unknown';
  if (sources.length === 0) return 'a box has no source';
  if (first === undefined || destinations.length === 0) return 'a box has no destination';
  if (prefixes.some((prefix) => canonicalPrefix(prefix) !== prefix)) return 'a prefix is not canonical';
  if (prefixes.some((prefix) => familyOf(prefix) !== familyOf(first))) return 'a box mixes address families';
  if (destinations.some((prefix) => !/\/(32|128)$/.test(prefix)))
    return 'a destination is more than one address';
  if (box.destinationPorts.length === 0) return 'a box has no port';
  if (box.destinationPorts.some((port) => !Number.isInteger(port) || port < 1 || port > 65535)) {
    return 'a port is not a whole number from 1 to 65535';
  }
  return undefined;
}
