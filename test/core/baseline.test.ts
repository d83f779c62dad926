import { describe, expect, it } from 'vitest';
import {
  checkBaseline,
  endBaseline,
  machineKey,
  standBaseline,
  type BaselineBox,
} from '../../src/core/baseline.ts';
import { sampleBaseline, vmId } from '../contracts/samples.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const row = sampleBaseline('Web-Nsg', 'Web-1');
const box = row.boxes[0] as BaselineBox;

describe('a row of a baseline', () => {
  it('is named by its machine, whatever the case of its id', () => {
    expect(machineKey(vmId('Web-1').toUpperCase())).toBe(machineKey(vmId('Web-1').toLowerCase()));
    expect(machineKey(vmId('Web-1'))).toMatch(/^[0-9a-f]{32}$/);
    expect(machineKey(vmId('Web-2'))).not.toBe(machineKey(vmId('Web-1')));
  });

  it('says since when it is ending, and forgets what was seen of it', () => {
    const seen = { ...row, seen: { '1': 'hash' } };
    expect(endBaseline(seen, now)).toEqual({
      ...row,
      version: 2,
      state: 'ending',
      endingAt: now.toISOString(),
    });
  });

  it('that was ending stands again as if it had never been seen; one that stood keeps what was seen of what stays', () => {
    const wanted = { boxes: [...row.boxes, { ...box, destinationPorts: [4711] }], causes: [] };
    const standsSince = now.toISOString();
    expect(standBaseline({ ...endBaseline(row, now), seen: { '1': 'hash' } }, wanted, now)).toEqual({
      ...row,
      ...wanted,
      version: 3,
      standsSince,
    });
    const seen = { ...row, seen: { '1': 'hash' } };
    expect(standBaseline(seen, wanted, now)).toEqual({ ...seen, ...wanted, version: 2, standsSince });
    const others = { boxes: [{ ...box, destinationPorts: [4711] }], causes: [] };
    expect(standBaseline(seen, others, now)).toEqual({ ...row, ...others, version: 2, standsSince });
    expect(standBaseline(seen, row, now)).toEqual({ ...seen, version: 2 });
  });

  it.each([
    ['everybody', { sourceAddressPrefixes: ['*'] }],
    ['the Internet', { sourceAddressPrefixes: ['Internet'] }],
    ['prefixes of its family', { sourceAddressPrefixes: ['0.0.0.0/1', '128.0.0.0/2'] }],
  ])('may keep out %s', (_who, change) => {
    expect(() => checkBaseline({ ...row, boxes: [{ ...box, ...change }] })).not.toThrow();
  });

  it.each([
    ['no boxes', { boxes: [] }],
    ['an end of unknown beginning', { state: 'ending' as const }],
  ])('with %s is refused', (_what, change) => {
    expect(() => checkBaseline({ ...row, ...change })).toThrow(/^The baseline row of .*Web-1 is malformed/);
  });

  it.each([
    ['a protocol that is none', { protocol: 'Icmp' }],
    ['no source', { sourceAddressPrefixes: [] }],
    ['a tag among prefixes', { sourceAddressPrefixes: ['Internet', '203.0.113.0/24'] }],
    ['a tag that is not offered', { sourceAddressPrefixes: ['VirtualNetwork'] }],
    ['sources of another family', { sourceAddressPrefixes: ['::/1'] }],
    ['a source with host bits', { sourceAddressPrefixes: ['203.0.113.7/24'] }],
    ['no destination', { destinationAddressPrefixes: [] }],
    ['a whole subnet', { destinationAddressPrefixes: ['10.0.0.0/24'] }],
    ['destinations of two families', { destinationAddressPrefixes: ['10.0.0.4/32', '2001:db8:1::4/128'] }],
    ['no port', { destinationPorts: [] }],
    ['a port that is none', { destinationPorts: [0] }],
  ])('with a box of %s is refused', (_what, change) => {
    const damaged = { ...row, boxes: [{ ...box, ...change } as (typeof row.boxes)[0]] };
    expect(() => checkBaseline(damaged)).toThrow(/^The baseline row of .*Web-1 is malformed/);
  });
});
