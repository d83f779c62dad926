/** How long to wait for Azure. Together they stay below the minute in which an activity has to return. */
export interface Timeouts {
  /** One read, its repetition and its token included. */
  readMilliseconds: number;
  /** One write until it is accepted; what has not been answered by then may still be written. */
  writeMilliseconds: number;
  /** An accepted write until its operation has ended. */
  operationMilliseconds: number;
  /** Everything that is read to resolve a virtual machine. */
  resolveMilliseconds: number;
}

export const defaultTimeouts: Timeouts = {
  readMilliseconds: 15_000,
  writeMilliseconds: 20_000,
  operationMilliseconds: 30_000,
  resolveMilliseconds: 30_000,
};
