import { childNotFound, gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { accepted, acceptedDelete, findNsg } from './nsg.ts';
import { checkApplicationGroups } from './nsgBody.ts';
import { renderDefaultRules } from './defaultRules.ts';
import type { JsonObject, Nsg, Rule } from './resource.ts';
import { idKey, isNsg } from './resource.ts';
import { readRule, renderRule } from './rules.ts';
import { topLevelId } from './target.ts';
import { checkName, checkRules } from './validate.ts';

export function getRule(exchange: Exchange): Reply {
  const nsg = findNsg(exchange);
  const rule = find(nsg.properties.securityRules, ruleName(exchange));
  if (!rule) throw childNotFound(exchange.target.path);
  return { status: 200, headers: { ETag: `W/"${nsg.etag}"` }, body: renderRule(nsg, rule) };
}

export function ruleList(exchange: Exchange): JsonObject[] {
  const nsg = findNsg(exchange);
  return nsg.properties.securityRules.map((rule) => renderRule(nsg, rule));
}

export function getDefaultRule(exchange: Exchange): Reply {
  const nsg = findNsg(exchange);
  const name = ruleName(exchange).toLowerCase();
  const rule = renderDefaultRules(nsg).find((candidate) => String(candidate['name']).toLowerCase() === name);
  if (!rule) throw childNotFound(exchange.target.path);
  return { status: 200, headers: { ETag: `W/"${nsg.etag}"` }, body: rule };
}

/** Writes one rule. An If-Match header is ignored here: what Azure does with it is not known. */
export function putRule(exchange: Exchange): Reply {
  const { world, target, body, settings } = exchange;
  const nsg = world.resources.get(idKey(topLevelId(target)));
  if (!isNsg(nsg)) {
    throw gatewayError(
      404,
      'ParentResourceNotFound',
      "Failed to perform 'write' on resource(s) of type 'networkSecurityGroups/securityRules', because the parent " +
        `resource '${topLevelId(target)}' could not be found.`,
    );
  }
  const name = ruleName(exchange);
  checkName(name);
  const { securityRules } = nsg.properties;
  const existing = find(securityRules, name);
  const rule = readRule(existing?.name ?? name, body);
  const next = existing
    ? securityRules.map((other) => (other === existing ? rule : other))
    : [...securityRules, rule];
  checkRules(nsg.id, next, settings);
  checkApplicationGroups(world, { ...nsg, properties: { ...nsg.properties, securityRules: [rule] } });
  return accepted(exchange, nsg, 'PutSecurityRuleOperation', existing ? 200 : 201, () => {
    nsg.properties.securityRules = next;
    return renderRule(nsg, rule);
  });
}

export function deleteRule(exchange: Exchange): Reply {
  const nsg = findNsg(exchange);
  const { securityRules } = nsg.properties;
  const rule = find(securityRules, ruleName(exchange));
  if (!rule) return { status: 204 };
  const reply = acceptedDelete(exchange, nsg, 'DeleteSecurityRuleOperation', 'Updating');
  nsg.properties.securityRules = securityRules.filter((other) => other !== rule);
  return reply;
}

function ruleName({ target }: Exchange): string {
  return target.names[1] ?? '';
}

function find(rules: Nsg['properties']['securityRules'], name: string): Rule | undefined {
  return rules.find((rule) => rule.name.toLowerCase() === name.toLowerCase());
}
