import type { Mutant } from './mutant.ts';

const plan = 'test/core/plan.test.ts';

/** Of what the NSG should become. */
export const plannerMutants: readonly Mutant[] = [
  {
    id: 'end-included',
    what: '`<` becomes `<=` at the end of a grant',
    breaks: 'I2',
    file: 'src/core/accessRequest.ts',
    edits: [
      { text: 'now.getTime() < Date.parse(row.end)', replacement: 'now.getTime() <= Date.parse(row.end)' },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'no-end',
    what: 'the clock is not asked whether a grant has ended',
    breaks: 'I1',
    file: 'src/core/accessRequest.ts',
    edits: [{ text: ' &&\n    now.getTime() < Date.parse(row.end)', replacement: '' }],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'no-start',
    what: 'a grant is open before its start',
    breaks: 'I2',
    file: 'src/core/accessRequest.ts',
    edits: [
      {
        text: "(row.state === 'opening' && Date.parse(row.start) <= now.getTime())",
        replacement: "row.state === 'opening'",
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'closing-stays',
    what: 'a grant that is closing is still desired',
    breaks: 'I5',
    file: 'src/core/accessRequest.ts',
    edits: [
      {
        text: "(row.state === 'active' ||",
        replacement: "(row.state === 'active' || row.state === 'closing' ||",
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'deny-in-band-overridden',
    what: 'foreign denies inside the band are jumped over',
    breaks: 'I2',
    file: 'src/core/nsgBody.ts',
    edits: [
      { text: '!(rule.head.priority > band.last)', replacement: '!(rule.head.priority >= band.first)' },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'deny-not-asked',
    what: 'no foreign deny refuses a grant',
    breaks: 'I2',
    file: 'src/core/plan.ts',
    edits: [
      {
        text: 'const reason = blockerOf(wanted) ?? noCapacity(room.seatAll(wanted));',
        replacement: 'const reason = noCapacity(room.seatAll(wanted));',
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'tag-is-nobody',
    what: 'what is not understood in a foreign deny counts as nobody',
    breaks: 'I2',
    file: 'src/core/traffic.ts',
    edits: [
      {
        text: "return all.length === 0 || all.length < texts.length ? 'any' : all;",
        replacement: 'return all;',
      },
    ],
    hunters: ['F', 'test/core/traffic.test.ts'],
    changesPackets: true,
  },
  {
    id: 'properties-dropped',
    what: 'properties of the NSG that are not known are dropped',
    breaks: 'I3',
    file: 'src/core/nsgBody.ts',
    edits: [
      {
        text: 'properties: { ...propertiesOf(body), securityRules }',
        replacement: 'properties: { securityRules }',
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'others-installation-owned',
    what: "another installation's rules count as ours",
    breaks: 'I3',
    file: 'src/core/ownedRule.ts',
    edits: [
      {
        text: 'return name.toLowerCase().startsWith(prefixOf(installation));',
        replacement: "return name.toLowerCase().startsWith(prefixOf(installation).split('-', 1)[0] ?? '');",
      },
    ],
    hunters: ['F', 'test/core/ownedRule.test.ts'],
    changesPackets: true,
  },
  {
    id: 'every-port',
    what: 'a rule with one port is written for all',
    breaks: 'I2',
    file: 'src/core/ownedRule.ts',
    edits: [{ text: 'box.destinationPorts.map(String)', replacement: "['*']" }],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'every-source',
    what: 'a rule is written for every source',
    breaks: 'I2',
    file: 'src/core/ownedRule.ts',
    edits: [
      {
        text: "...oneOrMany('sourceAddressPrefix', 'sourceAddressPrefixes', box.sourceAddressPrefixes),",
        replacement: "sourceAddressPrefix: '*',",
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'every-destination',
    what: 'a rule is written for every machine behind the NSG',
    breaks: 'I2',
    file: 'src/core/ownedRule.ts',
    edits: [
      {
        text: "...oneOrMany('destinationAddressPrefix', 'destinationAddressPrefixes', box.destinationAddressPrefixes),",
        replacement: "destinationAddressPrefix: '*',",
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'every-protocol',
    what: 'a rule is written for every protocol',
    breaks: 'I2',
    file: 'src/core/ownedRule.ts',
    edits: [{ text: 'protocol: box.protocol,', replacement: "protocol: '*'," }],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'wrong-direction',
    what: 'a rule is written for outbound traffic',
    breaks: 'I2',
    file: 'src/core/ownedRule.ts',
    edits: [
      {
        text: "      priority,\n      direction: 'Inbound',",
        replacement: "      priority,\n      direction: 'Outbound',",
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'others-closed-too',
    what: 'a write removes the rules of grants that are right as they are',
    breaks: 'I7',
    file: 'src/core/plan.ts',
    edits: [
      {
        text: 'if (priority === undefined) continue;',
        replacement: 'if (priority === undefined || right) continue;',
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'place-taken-twice',
    what: 'a place of the band is given away twice',
    breaks: 'I7',
    file: 'src/core/band.ts',
    edits: [
      {
        text: 'return free.delete(lowest) ? lowest : undefined;',
        replacement: 'return free.has(lowest) ? lowest : undefined;',
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'foreign-places-ignored',
    what: 'places that foreign rules hold are taken',
    breaks: 'I3',
    file: 'src/core/room.ts',
    edits: [
      {
        text: 'slots.filter((one) => one.claim(rule.head.priority))',
        replacement: 'slots.filter(() => false)',
      },
    ],
    hunters: ['F', plan],
    changesPackets: true,
  },
  {
    id: 'tampering-kept',
    what: 'an owned rule that somebody widened is taken for right',
    breaks: 'I2',
    file: 'src/core/wantedRule.ts',
    edits: [
      {
        text: ' &&\n      sameMeaning(readMeaning(current.raw), readMeaning(rawRule(rule, current.head.priority)))',
        replacement: '',
      },
    ],
    hunters: ['F', plan],
  },
  {
    id: 'places-not-kept',
    what: 'rules that stand are moved to other priorities',
    breaks: 'I7',
    file: 'src/core/plan.ts',
    edits: [
      {
        text: 'for (const right of [true, false]) keepPlaces(candidates, rooms.allow, right);',
        replacement: '',
      },
    ],
    hunters: ['F', plan],
  },
  {
    id: 'neighbours-merged',
    what: 'prefixes that are no siblings are merged',
    breaks: 'I2',
    file: 'src/core/address.ts',
    edits: [{ text: 'low.first % (2n * size) === 0n && ', replacement: '' }],
    hunters: ['F', 'test/core/address.test.ts'],
  },
  {
    id: 'entries-merged',
    what: 'ports with different sources share one rule',
    breaks: 'I2',
    file: 'src/core/box.ts',
    edits: [
      {
        text: "[port.protocol, ...sourceAddressPrefixes].join(' ')",
        replacement: '`${port.protocol} ${family}`',
      },
    ],
    hunters: ['F', 'test/core/box.test.ts'],
  },
  {
    id: 'failed-is-settled',
    what: 'an NSG in Failed with the right content is left alone',
    breaks: 'I10',
    file: 'src/core/plan.ts',
    edits: [
      {
        text: "if (provisioningState === 'Failed' || provisioningState === 'Canceled') return true;",
        replacement: '',
      },
    ],
    hunters: [plan, 'B'],
  },
  {
    id: 'duration-unlimited',
    what: 'the longest duration of the policy is not asked',
    breaks: 'I2',
    file: 'src/core/decide.ts',
    edits: [{ text: 'durationSeconds > entry.maximumSeconds', replacement: 'durationSeconds < 0' }],
    hunters: ['G', 'test/core/decide.test.ts'],
  },
  {
    id: 'source-reversed',
    what: 'a source that holds the allowed one is allowed',
    breaks: 'I2',
    file: 'src/core/decide.ts',
    edits: [{ text: 'containsPrefix(prefix, source)', replacement: 'containsPrefix(source, prefix)' }],
    hunters: ['G', 'test/core/decide.test.ts'],
  },
];
