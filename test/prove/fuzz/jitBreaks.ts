import { vmId } from '../../support/grantWorld.ts';

export type Members = Record<string, unknown>;
/** Members that are laid over right ones, and the path that a refusal of them names; '' is what holds them. */
export type Break = readonly [path: string, members: Members | ((right: Members) => unknown)];

const brokenPorts: readonly Break[] = [
  ...[0, -1, 65_536, 22.5, 1e21, -0, true, [22], {}, null, '99999', '0x16', '22 ', '٢٢', '', '1e1'].map(
    (number) => ['.number', { number }] as const,
  ),
  ...['ICMP', '', 7, ['TCP'], 'TСP', {}].map((protocol) => ['.protocol', { protocol }] as const),
  ...[
    ...['010.0.0.1', '203.0.113.1/24', '203.0.113.0/33', 'Internet', '::ffff:203.0.113.7', '', '*,*', ' *'],
    ...['203.0.113.7, 203.0.113.8', '2001:db8::/129', 'fe80::1%eth0', 7, ['*'], {}, '0.0.0.0/-1'],
  ].map(
    (allowedSourceAddressPrefix) =>
      [
        '.allowedSourceAddressPrefix',
        { allowedSourceAddressPrefix, allowedSourceAddressPrefixes: undefined },
      ] as const,
  ),
  ...[[], '*', {}, [null], ['*', 'Internet'], [['*']], Array<string>(101).fill('203.0.113.7')].map(
    (allowedSourceAddressPrefixes) =>
      [
        '.allowedSourceAddressPrefixes',
        { allowedSourceAddressPrefix: null, allowedSourceAddressPrefixes },
      ] as const,
  ),
  [
    '.allowedSourceAddressPrefixes',
    { allowedSourceAddressPrefix: '203.0.113.7', allowedSourceAddressPrefixes: ['203.0.113.7'] },
  ],
  ...['priority', 'access', 'destinationAddressPrefix', 'state', 'constructor', '__proto__', 'toString'].map(
    (name) => [`.${name}`, Object.fromEntries([[name, 100]])] as const,
  ),
  ['', () => 'a port'],
  ['', () => null],
  ['', () => []],
];
/** Of a policy. */
export const brokenPolicyPorts: readonly Break[] = [
  ...brokenPorts,
  ...[
    'PT4M',
    'PT24H1S',
    'P1Y',
    'P1M',
    '-PT1H',
    'PT0S',
    '1h',
    '',
    null,
    7,
    `PT${'9'.repeat(40)}H`,
    'PT1H ',
  ].map((maxRequestAccessDuration) => ['.maxRequestAccessDuration', { maxRequestAccessDuration }] as const),
  ['.protocol', { protocol: null }],
  [
    '.allowedSourceAddressPrefix',
    { allowedSourceAddressPrefix: undefined, allowedSourceAddressPrefixes: undefined },
  ],
  ['.endTimeUtc', { endTimeUtc: '2026-11-23T14:00:00Z' }],
];
/** Of an initiate. */
export const brokenAskedPorts: readonly Break[] = [
  ...brokenPorts,
  ...[
    ...['', 'tomorrow', '2026-11-23T11:00:00Z', '2026-02-30T00:00:00Z', '2026-11-23T25:00:00Z', 'NaN', 7],
    ...['-000001-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '2026-11-23', ['2026-11-23T14:00:00Z'], {}, 1e18],
  ].map((endTimeUtc) => ['.endTimeUtc', { endTimeUtc, duration: undefined }] as const),
  ...['PT0S', 'PT59S', 'P1M', '-PT1H', '', 7, 'PT1H\u0000', '٣', {}, 'P8D'].map(
    (duration) => ['.duration', { duration, endTimeUtc: undefined }] as const,
  ),
  ['.endTimeUtc', { duration: 'PT1H', endTimeUtc: '2026-11-23T13:00:00Z' }],
  ['.endTimeUtc', { duration: null, endTimeUtc: null }],
  ['.maxRequestAccessDuration', { maxRequestAccessDuration: 'PT1H' }],
];
/** Of both. */
export const brokenMachines: readonly Break[] = [
  ...['', 7, null, `${vmId}/`, `${vmId}/extensions/x`, `${vmId}/..`, vmId.slice(1), 'x'.repeat(301)].map(
    (id) => ['.id', { id }] as const,
  ),
  ...[[], 'x', null, {}].map((ports) => ['.ports', { ports }] as const),
  ['.priority', { priority: 100 }],
  ['', () => null],
];
