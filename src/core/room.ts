import { slotsOf } from './band.ts';
import type { Band, Slots } from './band.ts';
import type { Installation } from './installation.ts';
import type { PlacedRule } from './nsgBody.ts';
import { isInbound } from './nsgBody.ts';
import { rawRule } from './ownedRule.ts';
import type { UnplacedRule } from './ownedRule.ts';
import { countValues } from './securityRule.ts';

/** A rule that a grant or a baseline needs, and its place once it has one. */
export interface Seat {
  rule: UnplacedRule;
  priority: number | undefined;
}

/** What is left of one band. */
export interface Room {
  /** Seats a rule at this priority; false if that is taken or not of the band. */
  claim(seat: Seat, priority: number): boolean;
  /**
   * Gives every seat without a place the one that it prefers, or the lowest free one: all or none; else a sentence that
   * says what is full.
   */
  seatAll<S extends Seat>(seats: S[], preferred?: (seat: S) => number | undefined): string | undefined;
  /** Gives up the places of these seats. */
  release(seats: Seat[]): void;
}

/** What is left of one NSG: its limits are common to both bands. */
export interface Rooms {
  allow: Room;
  baseline: Room;
  /** A rule that stays as it is takes its place, wherever that is, and counts against the limits. */
  occupy(rule: PlacedRule): void;
  vacate(rule: PlacedRule): void;
}

/** What Azure allows in one NSG: rules, and per field the values of all rules together. */
const limits = [
  { maximum: 1000, what: 'security rules' },
  { maximum: 4000, what: 'source address prefixes' },
  { maximum: 4000, what: 'destination address prefixes' },
  { maximum: 4000, what: 'destination port ranges' },
  { maximum: 4000, what: 'source port ranges' },
] as const;

/** The room that rules which stay as they are leave; they merely occupy their slots. */
export function roomsBeside(
  standing: PlacedRule[],
  { allowBand, baselineBand }: Pick<Installation, 'allowBand' | 'baselineBand'>,
): Rooms {
  const used = limits.map(() => 0);
  const count = (values: number[], sign: 1 | -1) =>
    values.forEach((value, index) => (used[index] = (used[index] ?? 0) + sign * value));
  const slots = [slotsOf(allowBand, new Set()), slotsOf(baselineBand, new Set())] as const;
  const places = new Map<PlacedRule, Slots[]>();
  const [allow, baseline] = [
    roomOf(allowBand, slots[0], used, count),
    roomOf(baselineBand, slots[1], used, count),
  ];
  const rooms: Rooms = {
    allow,
    baseline,
    occupy: (rule) => {
      count([1, ...countValues(rule.raw)], 1);
      if (isInbound(rule))
        places.set(
          rule,
          slots.filter((one) => one.claim(rule.head.priority)),
        );
    },
    vacate: (rule) => {
      count([1, ...countValues(rule.raw)], -1);
      places.get(rule)?.forEach((one) => one.release(rule.head.priority));
      places.delete(rule);
    },
  };
  standing.forEach((rule) => rooms.occupy(rule));
  return rooms;
}

function roomOf(
  band: Band,
  slots: Slots,
  used: readonly number[],
  count: (values: number[], sign: 1 | -1) => void,
): Room {
  const sit = (seat: Seat, priority: number) => {
    seat.priority = priority;
    count(valuesOf(seat.rule), 1);
  };
  const release = (seats: Seat[]) => {
    for (const seat of seats) {
      if (seat.priority === undefined) continue;
      slots.release(seat.priority);
      seat.priority = undefined;
      count(valuesOf(seat.rule), -1);
    }
  };
  const take = (preferred: number | undefined) =>
    preferred !== undefined && slots.claim(preferred) ? preferred : slots.take();
  return {
    claim: (seat, priority) => {
      if (!slots.claim(priority)) return false;
      sit(seat, priority);
      return true;
    },
    seatAll: (seats, preferred) => {
      const waiting = seats.filter((seat) => seat.priority === undefined);
      for (const [index, seat] of waiting.entries()) {
        const values = valuesOf(seat.rule);
        const full = limits.find(({ maximum }, field) => (used[field] ?? 0) + (values[field] ?? 0) > maximum);
        const priority = full === undefined ? take(preferred?.(seat)) : undefined;
        if (priority === undefined) {
          release(waiting.slice(0, index));
          return full === undefined
            ? `priorities ${band.first} to ${band.last} have no room for ${waiting.length} more inbound rules`
            : `it would have more than ${full.maximum.toLocaleString('en')} ${full.what}, Azure's limit`;
        }
        sit(seat, priority);
      }
      return undefined;
    },
    release,
  };
}

function valuesOf(rule: UnplacedRule): number[] {
  const { box, accepted } = rule;
  if (accepted !== undefined) return [1, ...countValues(rawRule(rule, 0))];
  return [
    1,
    box.sourceAddressPrefixes.length,
    box.destinationAddressPrefixes.length,
    box.destinationPorts.length,
    1,
  ];
}
