import * as z from 'zod';
import { exampleRequestId } from '../../../src/http/exampleIds.ts';
import type { Operation } from '../../../src/http/operation.ts';
import { askingFor, undescribedPart } from '../../support/apiWorld.ts';
import type { Sent } from '../../support/apiWorld.ts';
import { idOf } from '../../support/grantWorld.ts';
import type { Random } from '../random.ts';
import { breakSomewhere } from './breakValue.ts';
import { encodePrincipal, personOf, principal, problemOfOutcome } from './fuzzedApi.ts';
import type { FuzzedApi } from './fuzzedApi.ts';
import { mutate, nonsense } from './mutate.ts';
import { schemaOf, valueOf } from './schemaValue.ts';
import type { Schema } from './schemaValue.ts';

const roles = ['Administrator', 'Auditor', 'Approver', 'BreakGlass'].map((role) => `Sallyport.${role}`);

/** What is sent, and the field that must be named in the refusal if it was broken so that one can be named. */
interface Broken {
  sent: Sent;
  field?: string;
}

/**
 * Any route, with what its own description says, right but for one place. What was broken must be refused by the name of
 * its field; whatever is answered must be described; and nothing is kept of what is refused.
 */
export async function fuzzDescribed(
  random: Random,
  seed: number,
  api: FuzzedApi,
): Promise<string | undefined> {
  const { operation, handler } = random.pick(api.routes.filter((route) => route.operation.isPublic !== true));
  const { sent, field } = broken(random, operation, rightFor(random, operation));
  const held = roles.filter(() => random.oneIn(3));
  const headers = {
    'x-ms-client-principal': encodePrincipal(principal(personOf(random.oneIn(4) ? 1 : seed + 2), held)),
    'x-forwarded-for': '203.0.113.9:50123, 10.0.0.1:443',
  };
  const asking = askingFor(operation, sent);
  const outcome = await api.ask(handler, { ...asking, headers: { ...headers, ...asking.headers } });
  const { answer } = outcome;
  const wrong =
    problemOfOutcome(outcome, []) ??
    undescribedPart(operation, answer) ??
    (field === undefined ? undefined : notNamed(field, answer.status, answer.json['errors']));
  return wrong === undefined ? undefined : `${operation.name} ${JSON.stringify(sent)}: ${wrong}`;
}

/** An error may name what holds the broken place, where what it should be depends on what else is there. */
function notNamed(field: string, status: number, errors: unknown): string | undefined {
  if (status < 400 || status >= 500) return `${field} is broken, and yet ${status}`;
  const named = z.array(z.looseObject({ field: z.string().optional() })).safeParse(errors).data ?? [];
  const isNamed = named.some(
    ({ field: name = '' }) => field === name || (name !== '' && field.startsWith(name)),
  );
  return isNamed || field === '' ? undefined : `${field} is broken, and ${JSON.stringify(errors)} is named`;
}

function rightFor(random: Random, operation: Operation): Sent {
  const { path = {}, query, headers = {}, body, examples } = operation;
  const shown = Object.values(examples).map((example) => example.path ?? {});
  const pathOf = (name: string, schema: z.ZodType): string => {
    const text = random.pick([
      String(valueOf(random, schemaOf(schema))),
      ...shown.flatMap((one) => one[name] ?? []),
    ]);
    return text === exampleRequestId ? idOf(1) : text;
  };
  const some = (schemas: Record<string, z.ZodType>) =>
    Object.fromEntries(
      Object.entries(schemas)
        .filter(() => random.oneIn(2))
        .map(([name, schema]) => [name, String(valueOf(random, schemaOf(schema)))]),
    );
  return {
    path: Object.fromEntries(Object.entries(path).map(([name, schema]) => [name, pathOf(name, schema)])),
    query: some(query?.shape ?? {}),
    headers: some(headers),
    ...(body !== undefined && { body: valueOf(random, schemaOf(body)) }),
  };
}

/** Broken in one of its parts; now and then not at all. */
function broken(random: Random, operation: Operation, sent: Sent): Broken {
  const parts = [
    ...Object.keys(operation.path ?? {}).map((name) => () => brokenPath(random, sent, name)),
    ...(operation.query === undefined ? [] : [() => brokenQuery(random, sent)]),
    ...Object.entries(operation.headers ?? {}).map(
      ([name, schema]) =>
        () =>
          brokenHeader(random, sent, name, schemaOf(schema)),
    ),
  ];
  if (random.oneIn(5)) return { sent };
  const { body } = operation;
  if (body === undefined || random.oneIn(4)) return parts.length === 0 ? { sent } : random.pick(parts)();
  const { value, field } = breakSomewhere(random, sent.body, schemaOf(body));
  // What comes before the body must be well, or the body is not looked at.
  return { sent: { ...sent, query: {}, headers: {}, body: value }, field };
}

function brokenPath(random: Random, sent: Sent, name: string): Broken {
  const text = sent.path?.[name] ?? '';
  const odd = random.oneIn(2) ? mutate(random, text) : nonsense(random);
  return { sent: { ...sent, path: { ...sent.path, [name]: odd.replaceAll(/[\ud800-\udfff]/g, '~') } } };
}

function brokenQuery(random: Random, sent: Sent): Broken {
  const field = `x${random.below(1000)}`;
  if (random.oneIn(2))
    return { sent: { ...sent, headers: {}, query: { ...sent.query, [field]: 'x' } }, field };
  const query = Object.fromEntries(
    Object.entries(sent.query ?? {}).map(([name, text]) => [name, mutate(random, text)]),
  );
  return { sent: { ...sent, query } };
}

/** Header values are visible ASCII on the way here; what the schema does not take is left of them. */
function brokenHeader(random: Random, sent: Sent, name: string, schema: Schema): Broken {
  const value = random.pick(['a b', 'é', 'x'.repeat(5_000), 'a\tb']);
  const isRefused = schema.pattern !== undefined && !new RegExp(schema.pattern).test(value);
  return { sent: { ...sent, query: {}, headers: { [name]: value } }, ...(isRefused && { field: name }) };
}
