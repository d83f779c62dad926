import { describe, expect, it } from 'vitest';
import { explore } from './model/explore.ts';
import { omissions } from './model/grantModel.ts';
import type { Omission } from './model/grantModel.ts';

/** Which promise breaks first when a rule of the algorithm is left out. */
const broken: Record<Omission, string> = {
  'nsg-before-rows': 'I7',
  'if-match': 'I5',
  'late-write-margin': 'I5',
  freshness: 'I5',
  clock: 'I1',
  'read-back': 'I7',
  'other-grants': 'I7',
  'ending-before-nsg': 'I5',
  sweep: 'I1',
};

describe('the model', () => {
  it.each(omissions)('breaks a promise, in a few steps, without the rule of %s', (leftOut) => {
    // One grant that closes takes no other along: that one takes two.
    const ends = leftOut === 'other-grants' ? [1, 1] : [1];
    const result = explore({
      ends,
      approved: ends.length - 1,
      room: ends.length,
      crashes: 0,
      edits: 0,
      leftOut,
    });

    expect(result.broken?.promise.slice(0, 2)).toBe(broken[leftOut]);
    expect(result.broken?.trace.length).toBeLessThan(25);
  });

  it('keeps every promise with all of its rules', () => {
    const options = { ends: [1], approved: 1, room: 1, crashes: 0, edits: 0 };

    const { broken: promise, complete } = explore(options);

    expect(promise).toBeUndefined();
    expect(complete).toBe(true);
  });
});
