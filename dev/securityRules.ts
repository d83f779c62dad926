import * as z from 'zod';

/** A network security group as the simulator answers it; what is not named here is kept. */
export const nsgDocument = z.looseObject({
  properties: z.looseObject({
    securityRules: z.array(
      z.looseObject({
        name: z.string(),
        properties: z.looseObject({
          priority: z.number(),
          direction: z.string(),
          access: z.string(),
          protocol: z.string(),
          sourceAddressPrefix: z.string().optional(),
          sourceAddressPrefixes: z.array(z.string()).optional(),
          destinationAddressPrefix: z.string().optional(),
          destinationAddressPrefixes: z.array(z.string()).optional(),
          destinationPortRange: z.string().optional(),
          destinationPortRanges: z.array(z.string()).optional(),
          sourceApplicationSecurityGroups: z.array(z.unknown()).optional(),
          destinationApplicationSecurityGroups: z.array(z.unknown()).optional(),
        }),
      }),
    ),
  }),
});
export type NsgDocument = z.infer<typeof nsgDocument>;
export type SecurityRule = NsgDocument['properties']['securityRules'][number];

/** Changed by every write, whatever was written. */
const bookkeeping: ReadonlySet<string> = new Set(['etag', 'provisioningState']);

/** The JSON value without what Azure counts for itself. */
export function withoutBookkeeping(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBookkeeping);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !bookkeeping.has(name))
      .map(([name, member]) => [name, withoutBookkeeping(member)]),
  );
}

/** The rules of `now` that `before` does not have, compared as JSON values. */
export function rulesAdded(before: NsgDocument, now: NsgDocument): SecurityRule[] {
  const known = new Set(before.properties.securityRules.map(text));
  return now.properties.securityRules.filter((rule) => !known.has(text(rule)));
}

/**
 * The rules as a table, by direction and priority. `+` marks those that `before` does not have, `-` those that are
 * gone since.
 */
export function ruleTable(now: NsgDocument, before = now): string {
  const added = new Set(rulesAdded(before, now));
  const rows = [
    ...now.properties.securityRules.map((rule) => ({ mark: added.has(rule) ? '+' : ' ', rule })),
    ...rulesAdded(now, before).map((rule) => ({ mark: '-', rule })),
  ].sort(
    (a, b) =>
      a.rule.properties.direction.localeCompare(b.rule.properties.direction) ||
      a.rule.properties.priority - b.rule.properties.priority,
  );
  return columns([heading, ...rows.map(({ mark, rule }) => [mark, ...cells(rule)])]);
}

/** With these and `shorten`, the sample's rules fit into 80 columns. */
const heading = ['', 'prio', '', '', '', 'from', 'to', 'port', 'rule'];

function cells({ name, properties: rule }: SecurityRule): string[] {
  return [
    String(rule.priority),
    rule.direction.replace('bound', ''),
    rule.access,
    rule.protocol,
    list(rule.sourceAddressPrefixes, rule.sourceAddressPrefix, rule.sourceApplicationSecurityGroups),
    list(
      rule.destinationAddressPrefixes,
      rule.destinationAddressPrefix,
      rule.destinationApplicationSecurityGroups,
    ),
    list(rule.destinationPortRanges, rule.destinationPortRange),
    shorten(name),
  ];
}

/** Our rules' names end in a long id; its beginning tells them apart. */
function shorten(name: string): string {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name;
}

function list(many: string[] | undefined, one: string | undefined, groups: unknown[] = []): string {
  if (many !== undefined && many.length > 0) {
    const [first = '', ...rest] = many;
    return rest.length > 0 ? `${first} +${rest.length}` : first;
  }
  return one ?? (groups.length > 0 ? '(group)' : '');
}

function columns(rows: readonly string[][]): string {
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(' ')
        .trimEnd(),
    )
    .join('\n');
}

function text(rule: SecurityRule): string {
  return JSON.stringify(withoutBookkeeping(rule));
}
