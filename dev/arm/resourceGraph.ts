/**
 * Azure Resource Graph, as much of it as the watchdog asks: owned allow rules that are past their end, or say none. No other
 * query is understood, for nobody here evaluates KQL.
 */
import { gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { idKey, isNsg, isObject } from './resource.ts';
import type { Nsg, Rule } from './resource.ts';
import { mayDo } from './rights.ts';

/** White space and the two values apart, the query must be this, or the watchdog asks for what was never tried. */
const QUERY = new RegExp(
  [
    String.raw`^resources \| where type =~ 'microsoft\.network/networksecuritygroups'`,
    String.raw`mv-expand rule = properties\.securityRules limit 2000`,
    String.raw`extend ruleName = tostring\(rule\.name\), access = tostring\(rule\.properties\.access\), description = tostring\(rule\.properties\.description\)`,
    String.raw`where ruleName startswith '(?<prefix>[a-z0-9-]+)' and access =~ 'Allow'`,
    String.raw`extend end = todatetime\(extract\('\^Sallyport grant \[0-9a-f\]\{32\} until \(\[0-9TZ:\.-\]\{24\}\)', 1, description\)\)`,
    String.raw`where isnull\(end\) or end < ago\((?<minutes>\d+)m\)`,
    String.raw`order by end asc`,
    String.raw`project id = tostring\(rule\.id\)$`,
  ].join(String.raw` \| `),
);

const PAGE = 1000;

/** Answers the query for all that the caller may read in the subscriptions named. */
export function queryResources(exchange: Exchange): Reply {
  const { world, body, now } = exchange;
  const query = isObject(body) && typeof body['query'] === 'string' ? body['query'] : '';
  const asked = QUERY.exec(query.trim().replaceAll(/\s+/g, ' '))?.groups;
  if (asked === undefined) {
    throw gatewayError(
      400,
      'BadRequest',
      'Please provide below info when asking for support: the simulator knows the query of the watchdog only.',
    );
  }
  const subscriptions = isObject(body) && Array.isArray(body['subscriptions']) ? body['subscriptions'] : [];
  const before = now - Number(asked['minutes']) * 60_000;
  const found = [...world.resources.values()]
    .filter(isNsg)
    .filter(({ id }) =>
      subscriptions.some((one) => idKey(id).startsWith(`/subscriptions/${idKey(String(one))}/`)),
    )
    .filter(({ id }) => mayDo(exchange, 'Microsoft.Network/networkSecurityGroups/read', id))
    .flatMap((nsg) => nsg.properties.securityRules.map((rule) => ({ nsg, rule, end: endOf(rule) })))
    .filter(({ rule }) => isAllowOf(rule, asked['prefix'] ?? ''))
    .filter(({ end }) => end === undefined || end < before)
    .sort((one, other) => (one.end ?? 0) - (other.end ?? 0))
    .map(({ nsg, rule }) => ({ id: ruleId(nsg, rule) }));
  const data = found.slice(0, PAGE);
  return {
    status: 200,
    headers: { 'x-ms-user-quota-remaining': '14', 'x-ms-user-quota-resets-after': '00:00:05' },
    body: {
      totalRecords: found.length,
      count: data.length,
      data,
      facets: [],
      resultTruncated: data.length < found.length ? 'true' : 'false',
    },
  };
}

/** Milliseconds; undefined is null to the query, which has no end to compare. */
function endOf({ properties }: Rule): number | undefined {
  const [, text = ''] =
    /^Sallyport grant [0-9a-f]{32} until ([0-9TZ:.-]{24})/.exec(properties.description ?? '') ?? [];
  const end = Date.parse(text);
  return Number.isNaN(end) ? undefined : end;
}

function isAllowOf({ name, properties }: Rule, prefix: string): boolean {
  return name.toLowerCase().startsWith(prefix) && properties.access === 'Allow';
}

function ruleId(nsg: Nsg, rule: Rule): string {
  return `${nsg.id}/securityRules/${rule.name}`;
}
