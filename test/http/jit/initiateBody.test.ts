import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { parseInitiateBody } from '../../../src/http/jit/initiateBody.ts';
import type { AskedUntil } from '../../../src/http/jit/initiateBody.ts';

const vm = (name: string) =>
  `/subscriptions/20ff7fc3-e762-44dd-bd96-b71116dcdc23/resourceGroups/myRg1/providers/Microsoft.Compute/virtualMachines/${name}`;
const now = new Date('2026-11-23T08:00:00.250Z');
const inAnHour = '2026-11-23T09:00:00.000Z';

const body = (...ports: object[]) => ({ virtualMachines: [{ id: vm('vm1'), ports }] });
function asked(json: unknown): AskedUntil[] {
  const read = parseInitiateBody(json, now);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.asked;
}
function problems(json: unknown) {
  const read = parseInitiateBody(json, now);
  return read.ok ? [] : read.problems.map(({ field, code }) => [field, code]);
}
const port = 'virtualMachines[0].ports[0]';

describe('what is initiated', () => {
  it('is read as Microsoft documents it, until exactly the end that is asked for', () => {
    const [one, ...more] = asked({
      ...body({
        number: 3389,
        endTimeUtc: '2026-11-23T09:53:03.3658798Z',
        allowedSourceAddressPrefix: '192.127.0.2',
      }),
      justification: 'testing a new version of the product',
    });

    expect(more).toEqual([]);
    expect(one).toMatchObject({
      virtualMachines: [
        { id: vm('vm1'), ports: [{ number: 3389, allowedSourceAddressPrefix: '192.127.0.2/32' }] },
      ],
      end: '2026-11-23T09:53:03.365Z',
      durationSeconds: 6783,
      duration: 'PT1H53M3S',
      justification: 'testing a new version of the product',
    });
  });

  it.each([
    ['a number as text', { number: '22', duration: 'PT1H' }, { number: 22 }],
    ['a protocol', { number: 22, duration: 'PT1H', protocol: 'TCP' }, { number: 22, protocol: 'Tcp' }],
    [
      'a list of one source',
      { number: 22, duration: 'PT1H', allowedSourceAddressPrefixes: ['203.0.113.7'] },
      { number: 22, allowedSourceAddressPrefix: '203.0.113.7/32' },
    ],
    [
      'everybody',
      { number: 22, duration: 'PT1H', allowedSourceAddressPrefix: '*' },
      { number: 22, allowedSourceAddressPrefix: '0.0.0.0/0' },
    ],
    [
      'null for what is absent',
      {
        number: 22,
        duration: 'PT1H',
        endTimeUtc: null,
        allowedSourceAddressPrefix: null,
        allowedSourceAddressPrefixes: null,
        protocol: null,
      },
      { number: 22 },
    ],
  ])('may have %s', (_case, sent, read) => {
    expect(asked(body(sent))[0]?.virtualMachines[0]?.ports).toEqual([read]);
  });

  it('may come with what only answers hold, which changes nothing', () => {
    const plain = body({ number: 22, duration: 'PT1H' });
    const echoed = {
      ...body({
        number: 22,
        duration: 'PT1H',
        status: 'Initiated',
        statusReason: 'NewerRequestInitiated',
        mappedPort: 1,
      }),
      requestor: 'mallory@fabrikam.example',
      startTimeUtc: '2020-01-01T00:00:00Z',
      justification: '',
    };

    expect(asked(echoed)).toEqual(
      asked(plain).map((one) => ({ ...one, bodyHash: expect.any(String) as string })),
    );
  });

  it('may have several sources for one port, each asked for', () => {
    const sources = {
      number: 22,
      duration: 'PT1H',
      allowedSourceAddressPrefixes: ['203.0.113.7', '2001:db8::/64'],
    };

    expect(asked(body(sources))[0]?.virtualMachines[0]?.ports).toEqual([
      { number: 22, allowedSourceAddressPrefix: '203.0.113.7/32' },
      { number: 22, allowedSourceAddressPrefix: '2001:db8::/64' },
    ]);
  });

  it('is one request for each distinct end, whatever machines it spans', () => {
    const until = { number: 22, endTimeUtc: inAnHour };
    const read = asked({
      virtualMachines: [
        { id: vm('vm1'), ports: [until, { number: 3389, endTimeUtc: '2026-11-23T10:00:00Z' }] },
        { id: vm('vm2'), ports: [{ number: 22, endTimeUtc: '2026-11-23T09:00:00+00:00' }] },
      ],
    });

    expect(
      read.map(({ end, virtualMachines }) => [
        end,
        virtualMachines.map(({ id, ports }) => [id, ports.length]),
      ]),
    ).toEqual([
      [
        inAnHour,
        [
          [vm('vm1'), 1],
          [vm('vm2'), 1],
        ],
      ],
      ['2026-11-23T10:00:00.000Z', [[vm('vm1'), 1]]],
    ]);
    expect(new Set(read.map(({ bodyHash }) => bodyHash)).size).toBe(2);
  });

  it('has the same hash whenever it is sent, though less time is left', () => {
    const json = body({ number: 22, endTimeUtc: inAnHour });
    const later = parseInitiateBody(json, new Date(now.getTime() + 7_000));

    expect(later.ok && later.asked[0]?.bodyHash).toBe(asked(json)[0]?.bodyHash);
  });

  it.each([
    ['2026-11-23T11:00:00.250Z', '2026-11-23T11:00:00.250Z', 10_800],
    ['2026-11-23T11:00:02Z', '2026-11-23T11:00:00.250Z', 10_800],
    ['2026-11-23T11:00:30.250Z', '2026-11-23T11:00:00.250Z', 10_800],
    ['2026-11-23T11:01:02Z', '2026-11-23T11:01:02.000Z', 10_861],
    ['2026-11-23T11:00:31Z', '2026-11-23T11:00:31.000Z', 10_830],
    ['2026-11-23T10:59:59.900Z', '2026-11-23T10:59:59.900Z', 10_799],
  ])('until %s by a clock that may be a little ahead is until %s', (endTimeUtc, end, durationSeconds) => {
    expect(asked(body({ number: 22, endTimeUtc }))[0]).toMatchObject({ end, durationSeconds });
  });

  it('never lasts longer than was asked for, nor more than half a minute less', () => {
    fc.assert(
      fc.property(fc.integer({ min: 61_000, max: 90_000_000 }), (milliseconds) => {
        const wanted = now.getTime() + milliseconds;
        const [one] = asked(body({ number: 22, endTimeUtc: new Date(wanted).toISOString() }));
        const end = Date.parse(one?.end ?? '');
        expect(end).toBeLessThanOrEqual(wanted);
        expect(end).toBeGreaterThanOrEqual(wanted - 30_000);
        expect(one?.durationSeconds).toBe(Math.floor((end - now.getTime()) / 1000));
      }),
      { numRuns: 300 },
    );
  });

  it('takes an instant without a zone for UTC, as its name says', () => {
    expect(asked(body({ number: 22, endTimeUtc: '2026-11-23T09:30:31.5' }))[0]?.end).toBe(
      '2026-11-23T09:30:31.500Z',
    );
  });

  it.each([
    ['neither end nor duration', { number: 22 }, [`${port}.endTimeUtc`, 'missing']],
    ['both', { number: 22, endTimeUtc: inAnHour, duration: 'PT1H' }, [`${port}.endTimeUtc`, 'not-allowed']],
    [
      'an end that has passed',
      { number: 22, endTimeUtc: '2026-11-23T07:00:00Z' },
      [`${port}.endTimeUtc`, 'out-of-range'],
    ],
    [
      'an end in less than a minute',
      { number: 22, endTimeUtc: '2026-11-23T08:01:00Z' },
      [`${port}.endTimeUtc`, 'out-of-range'],
    ],
    [
      'an end that is no instant',
      { number: 22, endTimeUtc: '2026-02-30T00:00:00Z' },
      [`${port}.endTimeUtc`, 'malformed'],
    ],
    [
      'an end that is a number',
      { number: 22, endTimeUtc: 1_800_000_000 },
      [`${port}.endTimeUtc`, 'wrong-type'],
    ],
    ['a duration of a month', { number: 22, duration: 'P1M' }, [`${port}.duration`, 'duration-malformed']],
    [
      'one source and several',
      { number: 22, duration: 'PT1H', allowedSourceAddressPrefix: '*', allowedSourceAddressPrefixes: ['*'] },
      [`${port}.allowedSourceAddressPrefixes`, 'not-allowed'],
    ],
    [
      'a service tag',
      { number: 22, duration: 'PT1H', allowedSourceAddressPrefix: 'Internet' },
      [`${port}.allowedSourceAddressPrefix`, 'source-malformed'],
    ],
    ['port 0', { number: 0, duration: 'PT1H' }, [`${port}.number`, 'out-of-range']],
    [
      'a port that is text and no number',
      { number: '22-23', duration: 'PT1H' },
      [`${port}.number`, 'wrong-type'],
    ],
    [
      'a name that is misspelt',
      { number: 22, duration: 'PT1H', allowedSourceAddresPrefix: '203.0.113.7' },
      [`${port}.allowedSourceAddresPrefix`, 'unknown'],
    ],
    ['a priority', { number: 22, duration: 'PT1H', priority: 100 }, [`${port}.priority`, 'unknown']],
  ])('is refused with %s', (_case, sent, expected) => {
    expect(problems(body(sent))).toEqual([expected]);
  });

  it('is refused with more than five ends, fifty ports, or the same machine twice', () => {
    const ends = Array.from({ length: 6 }, (_, hour) => ({
      number: 22,
      endTimeUtc: `2026-11-23T1${hour}:00:00Z`,
    }));
    const sources = Array.from({ length: 51 }, (_, index) => `203.0.113.${index}`);

    expect(problems(body(...ends))).toEqual([['virtualMachines', 'too-many']]);
    expect(problems(body({ number: 22, duration: 'PT1H', allowedSourceAddressPrefixes: sources }))).toEqual([
      ['virtualMachines', 'too-many'],
    ]);
    const one = { id: vm('vm1'), ports: [{ number: 22, duration: 'PT1H' }] };
    expect(problems({ virtualMachines: [one, { ...one, id: vm('VM1') }] })).toEqual([
      ['virtualMachines[1]', 'duplicate'],
    ]);
  });

  it('says all that is wrong at once', () => {
    expect(
      problems({
        virtualMachines: [{ id: 'vm1', ports: [{ number: 'x', state: 'active' }] }],
        state: 'active',
      })
        .map(([field]) => field)
        .sort(),
    ).toEqual(['state', 'virtualMachines[0].id', `${port}.number`, `${port}.state`].sort());
  });
});
