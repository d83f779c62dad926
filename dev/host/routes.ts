import { HostError } from './hostError.ts';
import type { Binding, FunctionDefinition } from './invocation.ts';
import type { RouteTemplate } from './routeTemplate.ts';
import { parseRouteTemplate } from './routeTemplate.ts';

interface Route {
  definition: FunctionDefinition;
  binding: Binding;
  methods: readonly string[];
  template: RouteTemplate;
  key: string;
}

export interface RouteMatch {
  definition: FunctionDefinition;
  binding: Binding;
  params: Record<string, string>;
}

export interface RouteTable {
  /** Finds the function for a decoded path without its leading slash; undefined is a 404, for a wrong method too. */
  find(method: string, path: string): RouteMatch | undefined;
  /** Functions that cannot be served, with the reason. */
  errors: Map<string, string>;
}

/**
 * Builds the table of HTTP routes. They are tried in the order of the functions' names: a literal segment has no
 * precedence over a parameter.
 * @throws HostError for a malformed template: in the real host it stops the whole app
 */
export function routeTable(functions: readonly FunctionDefinition[], routePrefix: string): RouteTable {
  const errors = new Map<string, string>();
  const routes: Route[] = [];
  for (const definition of [...functions].sort((a, b) => a.name.localeCompare(b.name, 'en'))) {
    const binding = Object.values(definition.bindings).find(({ type }) => type === 'httpTrigger');
    if (binding === undefined) continue;
    const route = typeof binding['route'] === 'string' ? binding['route'] : definition.name;
    if (/^(admin|runtime)/i.test(route)) {
      errors.set(definition.name, 'The specified route conflicts with one or more built in routes.');
      continue;
    }
    const methods = methodsOf(binding);
    const key = route.toLowerCase();
    if (
      routes.some((other) => other.key === key && other.methods.some((method) => methods.includes(method)))
    ) {
      errors.set(definition.name, `The route "${route}" is taken by another function.`);
      continue;
    }
    const template = parse(definition.name, routePrefix, route);
    routes.push({ definition, binding, methods, template, key });
  }
  return {
    errors,
    find(method, path) {
      for (const { definition, binding, methods, template } of routes) {
        const params = methods.includes(method) ? template.match(path) : undefined;
        if (params !== undefined) return { definition, binding, params };
      }
      return undefined;
    },
  };
}

function parse(functionName: string, prefix: string, route: string): RouteTemplate {
  try {
    // The route on its own first: behind a prefix its leading slash would look like an empty segment.
    parseRouteTemplate(route);
    return parseRouteTemplate([prefix, route].filter((part) => part !== '').join('/'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HostError(
      `Function ${functionName}: the route "${route}" is malformed (${reason}), which stops the whole host.`,
    );
  }
}

function methodsOf(binding: Binding): string[] {
  const methods = Array.isArray(binding['methods']) ? binding['methods'] : ['GET', 'POST'];
  return methods.map((method) => String(method).toUpperCase());
}
