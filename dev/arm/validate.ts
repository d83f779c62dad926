import type { Network } from './addresses.ts';
import { isTag, overlapping, parseNetwork } from './addresses.ts';
import { invalidFormat, providerError } from './errors.ts';
import type { Rule, RuleProperties } from './resource.ts';

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;
const MAX_RULES = 1000;
const MAX_VALUES = 4000;
const PLATFORM_TAGS = ['azureplatformdns', 'azureplatformimds', 'azureplatformlkm'];

type Side = 'source' | 'destination';
const SIDES: readonly Side[] = ['source', 'destination'];

export interface ValidationSettings {
  /** Whether one rule may name IPv4 and IPv6 addresses. What Azure does is not verified, so the default refuses. */
  mixedFamilies: 'refuse' | 'accept';
}

export function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw providerError(
    400,
    'InvalidResourceName',
    `Resource name ${name} is invalid. The name can be up to 80 characters long. It must begin with a word ` +
      "character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.",
  );
}

/** Checks an NSG's whole rule list as one write would leave it; throws the provider's 400. */
export function checkRules(nsgId: string, rules: Rule[], settings: ValidationSettings): void {
  for (const rule of rules) {
    checkName(rule.name);
    checkRule(`${nsgId}/securityRules/${rule.name}`, rule.properties, settings);
  }
  if (rules.length > MAX_RULES) {
    throw providerError(
      400,
      'SecurityRuleCountLimitReached',
      `A security group cannot have more than ${MAX_RULES} security rules.`,
    );
  }
  checkConflicts(nsgId, rules);
  checkValueCounts(nsgId, rules);
}

function checkConflicts(nsgId: string, rules: Rule[]): void {
  const names = new Set<string>();
  const byPriority = new Map<string, string>();
  for (const { name, properties } of rules) {
    if (names.has(name.toLowerCase())) {
      throw invalidFormat(
        'DuplicateResourceName',
        `Resource ${nsgId} has two child resources with the same name (${name}).`,
      );
    }
    names.add(name.toLowerCase());
    const slot = `${properties.direction} ${properties.priority}`;
    const other = byPriority.get(slot);
    if (other !== undefined) {
      throw providerError(
        400,
        'SecurityRuleConflict',
        `Security rule ${name} conflicts with rule ${other}. Rules cannot have the same Priority and Direction. ` +
          'To learn more, see aka.ms/nsgrules.',
      );
    }
    byPriority.set(slot, name);
  }
}

function checkValueCounts(nsgId: string, rules: Rule[]): void {
  for (const side of SIDES) {
    for (const [word, single, many] of [
      ['AddressPrefixes', `${side}AddressPrefix`, `${side}AddressPrefixes`],
      ['PortRanges', `${side}PortRange`, `${side}PortRanges`],
    ] as const) {
      const field = capital(side) + word;
      const count = rules.reduce(
        (sum, { properties }) =>
          sum + (properties[single] === undefined ? 0 : 1) + (properties[many]?.length ?? 0),
        0,
      );
      if (count <= MAX_VALUES) continue;
      throw providerError(
        400,
        'SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached',
        `Network security group ${nsgId} has ${count} ${field}. A security group cannot have more than ` +
          `${MAX_VALUES} ${field} as per the limit MaxSecurityRuleAddressesOrPortsPerSecurityGroup.`,
      );
    }
  }
}

function checkRule(id: string, rule: RuleProperties, settings: ValidationSettings): void {
  if (rule.priority < 100 || rule.priority > 4096) {
    throw providerError(
      400,
      'SecurityRuleInvalidPriority',
      `Security rule has invalid Priority. Value provided: ${rule.priority} Allowed range 100-4096.`,
    );
  }
  if ((rule.description?.length ?? 0) > 140) {
    throw invalidFormat(
      'InvalidDescription',
      `Security rule ${id} has a description of more than 140 characters.`,
    );
  }
  const networks = SIDES.flatMap((side) => {
    checkPorts(id, rule, side);
    return checkAddresses(id, rule, side);
  });
  const families = new Set(networks.map((network) => network.family));
  if (settings.mixedFamilies === 'refuse' && families.size > 1) {
    const values = networks.map((network) => network.text).join(',');
    throw invalidPrefix(id, values);
  }
}

function checkPorts(id: string, rule: RuleProperties, side: Side): void {
  const one = rule[`${side}PortRange`];
  const many = rule[`${side}PortRanges`] ?? [];
  const field = `${capital(side)}PortRange`;
  if (one === undefined && many.length === 0) throw missing(id, `${field}s or ${field}`);
  if (one !== undefined && many.length > 0) throw both(id, field);
  if (many.includes('*')) {
    throw providerError(
      400,
      'SecurityRuleParameterContainsInvalidPortRanges',
      `Security rule parameter ${field} for rule with Id ${id} contains invalid port ranges: *.`,
    );
  }
  for (const value of one === undefined ? many : [one]) {
    if (value !== '*' && !isPortRange(value)) {
      throw providerError(
        400,
        'SecurityRuleInvalidPortRange',
        `Security rule has invalid Port range. Value provided: ${value}. Value should be an integer OR integer ` +
          "range with '-' delimiter. Valid range 0-65535.",
      );
    }
  }
}

function isPortRange(value: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value);
  if (!match) return false;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535;
}

function checkAddresses(id: string, rule: RuleProperties, side: Side): Network[] {
  const one = rule[`${side}AddressPrefix`];
  const many = rule[`${side}AddressPrefixes`] ?? [];
  const groups = rule[`${side}ApplicationSecurityGroups`] ?? [];
  const field = `${capital(side)}AddressPrefix`;
  if (one !== undefined && many.length > 0) throw both(id, field);
  if (groups.length > 0) {
    if (one !== undefined || many.length > 0) throw both(id, `${capital(side)}ApplicationSecurityGroup`);
    if (groups.length > 10) {
      throw invalidFormat(
        'TooManyApplicationSecurityGroups',
        `Security rule ${id} names more than 10 application security groups on one side.`,
      );
    }
    return [];
  }
  if (one === undefined && many.length === 0) {
    throw missing(id, `${field}es, ${field}, or ${capital(side)}ApplicationSecurityGroups`);
  }
  if (one !== undefined) return checkSingle(id, one, rule);
  const networks = many.map((value) => {
    if (isTag(value)) {
      throw providerError(
        400,
        'SecurityRuleParameterContainsUnsupportedValue',
        `Security rule parameter ${field} for rule with Id ${id} cannot specify existing VIRTUALNETWORK, ` +
          `INTERNET, AZURELOADBALANCER, '*' or system tags. Unsupported value used: ${value}.`,
      );
    }
    const network = parseNetwork(value);
    if (!network) throw invalidPrefix(id, value);
    return network;
  });
  const overlap = overlapping(networks);
  if (overlap) {
    throw providerError(
      400,
      'OverlappingSubnetsNotPermittedInSecurityRule',
      `Security rule parameter ${field} for rule with Id ${id} contains overlapping subnets ` +
        `[${overlap[0].text}, ${overlap[1].text}], which is not permitted.`,
    );
  }
  return networks;
}

function checkSingle(id: string, value: string, rule: RuleProperties): Network[] {
  if (PLATFORM_TAGS.includes(value.toLowerCase()) && rule.access === 'Allow') {
    throw providerError(
      400,
      'SecurityRuleInvalidAccessType',
      `Security rule ${id} has invalid Access type. ${value} can be used in Deny rules only.`,
    );
  }
  // Seen in a recording of 2020: a bare integer passes as an address prefix.
  if (isTag(value) || /^\d+$/.test(value)) return [];
  const network = parseNetwork(value);
  if (!network) throw invalidPrefix(id, value);
  return [network];
}

function invalidPrefix(id: string, value: string) {
  return providerError(
    400,
    'SecurityRuleInvalidAddressPrefix',
    `Security rule ${id} has invalid Address prefix. Value provided: ${value}`,
  );
}

function missing(id: string, fields: string) {
  return providerError(
    400,
    'SecurityRuleParametersMissing',
    `Required security rule parameters are missing for security rule with Id: ${id}. ` +
      `Security rule must specify ${fields}.`,
  );
}

function both(id: string, field: string) {
  return invalidFormat(
    'AmbiguousSecurityRule',
    `Security rule ${id} specifies ${field} in more than one way.`,
  );
}

function capital(side: Side): string {
  return side === 'source' ? 'Source' : 'Destination';
}
