import { triggerType } from './functionIndex.ts';
import type { FunctionDefinition, Invoker, WebRequest, WebResponse } from './invocation.ts';

/**
 * Serves the Event Grid webhook (`/runtime/webhooks/EventGrid?functionName=…`): one invocation per event of the
 * batch, all at once, and one failure fails the whole batch.
 */
export async function handleEventGrid(request: WebRequest, invoker: Invoker): Promise<WebResponse> {
  if (request.method === 'OPTIONS') {
    return plain(200, '', { 'Webhook-Allowed-Origin': request.headers['webhook-request-origin'] ?? '*' });
  }
  const name = request.query.get('functionName') ?? '';
  const eventGrid = invoker
    .functions()
    .filter((definition) => triggerType(definition) === 'eventGridTrigger');
  // Names are compared with case here, unlike anywhere else.
  const definition = eventGrid.find((candidate) => candidate.name === name);
  if (definition === undefined) return plain(404, `cannot find function: '${name}'`);

  const kind = request.headers['aeg-event-type'];
  if (kind === 'Unsubscribe') return plain(202, '');
  if (kind !== 'Notification' && kind !== 'SubscriptionValidation') return plain(400, '');
  const events = parseEvents(request.body);
  if (events === undefined) return plain(500, '');
  if (kind === 'SubscriptionValidation') {
    const code = (events[0]?.['data'] as { validationCode?: unknown } | undefined)?.validationCode;
    return plain(200, JSON.stringify({ validationResponse: code }), { 'Content-Type': 'text/plain' });
  }
  const outcomes = await Promise.all(events.map((event) => deliver(definition, event, invoker)));
  const failed = outcomes.some(({ kind: outcome }) => outcome !== 'success');
  return failed ? plain(500, `Exception while executing function: Functions.${name}`) : plain(202, '');
}

function deliver(definition: FunctionDefinition, event: Record<string, unknown>, invoker: Invoker) {
  const binding = Object.values(definition.bindings).find(({ type }) => type === 'eventGridTrigger');
  const data = toUtc(event['data']);
  return invoker.invoke({
    functionName: definition.name,
    inputs: { [binding?.name ?? '']: { json: JSON.stringify({ ...event, data }) } },
    triggerMetadata: { data: { json: JSON.stringify(data ?? null) } },
  });
}

/** An array of events or a single one; undefined for anything else. */
function parseEvents(body: Uint8Array): Record<string, unknown>[] | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    const events: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
    const objects = events.filter(
      (event) => typeof event === 'object' && event !== null && !Array.isArray(event),
    );
    return objects.length === events.length ? (objects as Record<string, unknown>[]) : undefined;
  } catch {
    return undefined;
  }
}

const offsetDate = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d:\d\d)$/;

/** The real host's JSON reader takes dates with an offset for dates and writes them again in UTC; `Z` stays. */
function toUtc(value: unknown): unknown {
  if (typeof value === 'string') {
    const match = offsetDate.exec(value);
    const time = match === null ? NaN : Date.parse(`${match[1] ?? ''}${match[3] ?? ''}`);
    return Number.isNaN(time)
      ? value
      : `${new Date(time).toISOString().slice(0, 19)}${match?.[2] ?? ''}+00:00`;
  }
  if (Array.isArray(value)) return value.map(toUtc);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toUtc(inner)]));
}

function plain(status: number, body: string, headers: Record<string, string> = {}): WebResponse {
  return { status, headers, body };
}
