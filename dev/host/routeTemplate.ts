import type { Constraint } from './routeConstraints.ts';
import { constraint } from './routeConstraints.ts';

interface Parameter {
  name: string;
  optional: boolean;
  catchAll: boolean;
  defaultValue: string | undefined;
  constraints: Constraint[];
}

interface Segment {
  /** Matches one whole segment; its groups are the values of `parameters`, in order. */
  pattern: RegExp;
  parameters: Parameter[];
  /** The segment is nothing but one parameter, so it may be left out if that has a default or is optional. */
  lone: Parameter | undefined;
}

/** A parsed ASP.NET route template. */
export interface RouteTemplate {
  /** The values for a decoded path (without the leading slash), or undefined if it does not match. */
  match(path: string): Record<string, string> | undefined;
}

/**
 * Parses a route template such as `items/{id:int}/{rest?}`.
 * @throws Error saying what is malformed; in the real host such a template stops every function of the app
 */
export function parseRouteTemplate(template: string): RouteTemplate {
  if (/^[/~]/.test(template)) throw new Error('it starts with "/" or "~"');
  const texts = splitSegments(template.replace(/\/$/, ''));
  const segments = template === '' ? [] : texts.map(parseSegment);
  const names = segments.flatMap((segment) => segment.parameters.map(({ name }) => name.toLowerCase()));
  if (new Set(names).size !== names.length) throw new Error('a parameter occurs twice');
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (!last && segment.parameters.some(({ catchAll }) => catchAll))
      throw new Error('a catch-all is not last');
  });
  return { match: (path) => match(segments, path) };
}

/** Splits at slashes outside braces; `{{` and `}}` are escapes. */
function splitSegments(template: string): string[] {
  const segments = [''];
  let depth = 0;
  for (const token of template.match(/\{\{|\}\}|[\s\S]/g) ?? []) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (depth < 0 || depth > 1) throw new Error('its braces do not pair');
    if (token === '/' && depth === 0) segments.push('');
    else segments.push((segments.pop() ?? '') + token);
  }
  if (depth !== 0) throw new Error('its braces do not pair');
  if (segments.length > 1 && segments.includes('')) throw new Error('it has an empty segment');
  return segments;
}

function parseSegment(text: string): Segment {
  const parameters: Parameter[] = [];
  let pattern = '';
  let literals = '';
  for (const [token] of text.matchAll(/\{\{|\}\}|\{(?:\{\{|\}\}|[^{}])*\}|[\s\S]/g)) {
    if (token.length > 2 || token === '{}') {
      const parameter = parseParameter(unescapeBraces(token.slice(1, -1)));
      parameters.push(parameter);
      pattern += parameter.catchAll ? '([\\s\\S]*)' : '([^/]+)';
    } else {
      const literal = unescapeBraces(token);
      if (literal === '?' || literal === '*') throw new Error(`"${literal}" stands outside a parameter`);
      literals += literal;
      pattern += literal.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    }
  }
  const lone = literals === '' && parameters.length === 1 ? parameters[0] : undefined;
  if (lone === undefined && parameters.some(({ catchAll }) => catchAll)) {
    throw new Error('a catch-all shares its segment');
  }
  return { pattern: new RegExp(`^${pattern}$`, 'i'), parameters, lone };
}

function unescapeBraces(text: string): string {
  return text.replaceAll('{{', '{').replaceAll('}}', '}');
}

/** Reads the inside of the braces: `*name:constraint(argument):…=default` or `…?`. */
function parseParameter(text: string): Parameter {
  const [stars = ''] = /^\*{0,2}/.exec(text) ?? [];
  const optional = text.endsWith('?');
  const body = text.slice(stars.length, optional ? -1 : undefined);
  const [name = ''] = /^[^:=]*/.exec(body) ?? [];
  if (name === '' || /[/{}?*]/.test(name)) throw new Error(`"{${text}}" has no proper name`);
  const constraints: Constraint[] = [];
  let rest = body.slice(name.length);
  while (rest.startsWith(':')) {
    // An argument may hold anything, so its bracket is the first one that ends the constraint.
    const found = /^:([^(:=]*)(?:\(([\s\S]*?)\)(?=[:=]|$))?/.exec(rest);
    if (found === null || found[0] === ':') throw new Error(`"{${text}}" has an empty constraint`);
    constraints.push(constraint(found[1] ?? '', found[2]));
    rest = rest.slice(found[0].length);
  }
  if (rest !== '' && !rest.startsWith('=')) throw new Error(`"{${text}}" has a malformed constraint`);
  const defaultValue = rest === '' ? undefined : rest.slice(1);
  if (optional && (defaultValue !== undefined || stars !== '')) {
    throw new Error(`"{${text}}" is optional and has a default or is a catch-all`);
  }
  return { name, optional, catchAll: stars !== '', defaultValue, constraints };
}

function match(segments: readonly Segment[], path: string): Record<string, string> | undefined {
  const parts = path === '' ? [] : path.replace(/\/$/, '').split('/');
  const catchAll = segments.at(-1)?.lone?.catchAll === true;
  if (parts.length > segments.length && !catchAll) return undefined;
  const values: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = segment.lone?.catchAll === true ? parts.slice(index).join('/') : parts[index];
    if (part === undefined || (part === '' && segment.lone?.catchAll === true)) {
      if (segment.lone === undefined) return undefined;
      const { name, optional, catchAll: rest, defaultValue } = segment.lone;
      if (defaultValue !== undefined) values[name] = defaultValue;
      else if (!optional && !rest) return undefined;
      continue;
    }
    const found = segment.pattern.exec(part);
    if (found === null) return undefined;
    for (const [position, parameter] of segment.parameters.entries()) {
      const value = found[position + 1] ?? '';
      if (!parameter.constraints.every((accepts) => accepts(value))) return undefined;
      values[parameter.name] = value;
    }
  }
  return values;
}
