import type { Protocol } from './accessRequest.ts';
import type { BaselineSource } from './policy.ts';

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
  boxes: BaselineBox[];
  causes: BaselineCause[];
  /** The earliest of its causes' `leftAt`. */
  leftAt?: string;
  /** Its rules as last read back: number of the rule → hash of its canonical meaning. */
  seen?: Record<string, string>;
}
