/** What a life has in it besides that somebody asks, is let in and shut out. */
export interface Shape {
  name: string;
  /** The requester ends it early. */
  revoke?: true;
  /** So many people must approve, the request and its extension. */
  approvers?: number;
  /** More time is asked for when half of it is over. */
  extend?: true;
  /** It begins some time after it was asked for. */
  later?: true;
  /** The machine's policy has a baseline, which an administrator puts at first and takes away in the end. */
  baseline?: true;
}

/** Every shape of a life. Cases are numbered by their place here. */
export const shapes: readonly Shape[] = [
  { name: 'plain' },
  { name: 'revoked', revoke: true },
  { name: 'approved', approvers: 2 },
  { name: 'extended', extend: true },
  { name: 'extended with approval', approvers: 1, extend: true },
  { name: 'later', later: true },
  { name: 'behind a baseline', baseline: true },
  { name: 'all of it', approvers: 2, extend: true, later: true, baseline: true },
];
