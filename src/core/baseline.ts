import type { Protocol } from './accessRequest.ts';

/** What a baseline keeps shut, as a cross product; a tag or `*` as source stands alone. */
export interface BaselineBox {
  protocol: Protocol;
  /** Canonical prefixes of the family of the destinations, or one of `*` and `Internet`. */
  sourceAddressPrefixes: string[];
  /** The private addresses of one virtual machine, of one family. */
  destinationAddressPrefixes: string[];
  destinationPorts: number[];
}

/** Which policy wanted a baseline, and in which version. */
export interface BaselineCause {
  policyId: string;
  version: number;
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
  /** Its machine has left the selector of its policy, or is gone: since when, ISO 8601. It stands until a person ends it. */
  leftAt?: string;
  /** Its rules as last read back: number of the rule → hash of its canonical meaning. */
  seen?: Record<string, string>;
}
