import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { DurableExtensionOptions, WebRequest, WebResponse } from '../invocation.ts';
import type { Engine } from './engine.ts';
import { eventRaised, executionResumed, executionSuspended, executionTerminated } from './history.ts';
import { isFinal } from './inbox.ts';
import { filterOf, matches, page } from './instanceList.ts';
import { managementUrls } from './managementUrls.ts';
import { maxValueLength } from './payload.ts';
import { entitiesRefused, rewindRefused } from './refusal.ts';
import type { Starts } from './starts.ts';
import { historyDocument, statusDocument } from './statusDocument.ts';
import type { Instance } from './store.ts';
import { bodyText, empty, failure, json, notJson, wrong } from './webAnswer.ts';

interface Call {
  options: DurableExtensionOptions;
  engine: Engine;
  starts: Starts;
  request: WebRequest;
}

/** Serves the HTTP management API. The keys are checked by the host, before. */
export async function manage(call: Call): Promise<WebResponse> {
  const { method, path, query } = call.request;
  const [root, ...rest] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const hub = query.get('taskHub') ?? call.options.hubName;
  if (hub.toLowerCase() !== call.options.hubName.toLowerCase()) return empty(404);
  const connection = query.get('connection') ?? 'Storage';
  if (connection !== 'Storage' && connection !== 'AzureWebJobsStorage') {
    return wrong(`Unable to find the connection '${connection}'.`);
  }
  const [first, operation, name] = rest;
  if (root === 'orchestrators' && method === 'POST' && first !== undefined && rest.length <= 2) {
    return start(call, first, operation);
  }
  if (root === 'entities') {
    call.options.log('error', entitiesRefused);
    return json(501, entitiesRefused);
  }
  if (root !== 'instances') return empty(404);
  if (first === undefined) {
    if (method === 'GET') return list(call);
    return method === 'DELETE' ? purgeByFilter(call) : empty(404);
  }
  if (operation === undefined) {
    if (method === 'GET') return status(call, first);
    return method === 'DELETE' ? purge(call, first) : empty(404);
  }
  if (method !== 'POST') return empty(404);
  if (operation.toLowerCase() === 'raiseevent' && name !== undefined && rest.length === 3) {
    return raise(call, first, name);
  }
  return rest.length === 2 ? change(call, first, operation.toLowerCase()) : empty(404);
}

async function start(call: Call, name: string, givenId: string | undefined): Promise<WebResponse> {
  const input = bodyText(call.request);
  if (typeof input === 'object' && input !== null) return input;
  if ((input?.length ?? 0) > maxValueLength) return tooLarge();
  const id = givenId ?? randomUUID().replaceAll('-', '');
  const conflict = await call.starts.start(id, name, input);
  if (conflict !== undefined) {
    return json(409, { Message: `An Orchestration instance with the status ${conflict} already exists.` });
  }
  const timeout = Number(call.request.query.get('timeout') ?? NaN);
  if (Number.isNaN(timeout)) return accepted(call, id);
  return wait(call, id, timeout, Number(call.request.query.get('pollingInterval') ?? 1));
}

function accepted({ options }: Call, id: string): WebResponse {
  // The client binding's URLs have a rewindPostUri, those of a start have not.
  const urls = { ...managementUrls(options, id), rewindPostUri: undefined };
  return json(202, urls, { Location: urls.statusQueryGetUri, 'Retry-After': '10' });
}

async function wait(call: Call, id: string, timeout: number, interval: number): Promise<WebResponse> {
  if (interval > timeout) {
    return json(400, {
      Message: `Total timeout ${timeout} should be bigger than retry timeout ${interval}`,
    });
  }
  const end = Date.now() + timeout * 1000;
  for (;;) {
    const instance = call.engine.instances.get(id);
    if (instance?.status === 'Completed') return { ...json(200, null), body: instance.output ?? 'null' };
    if (instance !== undefined && isFinal(instance)) {
      return json(failedStatus(call, instance), statusDocument(instance, true));
    }
    if (Date.now() >= end) return accepted(call, id);
    await delay(Math.min(interval * 1000, end - Date.now()));
  }
}

async function status(call: Call, id: string): Promise<WebResponse> {
  const { query, url } = call.request;
  const instance = call.engine.instances.get(id);
  if (instance === undefined) return empty(404);
  const document = statusDocument(instance, !isFalse(query.get('showInput')));
  // A pending instance has no history yet, and then the member is missing.
  if (isTrue(query.get('showHistory')) && instance.events > 0) {
    try {
      const history = await call.engine.history(instance);
      document['historyEvents'] = historyDocument(history, isTrue(query.get('showHistoryOutput')));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const message = 'One or more of the arguments submitted is incorrect';
      return failure(400, message, 'System.ArgumentException', text);
    }
  }
  if (isFinal(instance)) return json(failedStatus(call, instance), document);
  return json(202, document, { Location: url, 'Retry-After': '5' });
}

function failedStatus({ request }: Call, instance: Instance): number {
  return instance.status === 'Failed' && isTrue(request.query.get('returnInternalServerErrorOnFailure'))
    ? 500
    : 200;
}

function list({ engine, request }: Call): WebResponse {
  const { page: instances, token } = page(engine.instances.values(), request);
  const showInput = !isFalse(request.query.get('showInput'));
  const documents = instances.map((instance) => statusDocument(instance, showInput));
  return json(200, documents, { 'x-ms-continuation-token': token });
}

async function raise({ engine, request }: Call, id: string, name: string): Promise<WebResponse> {
  const instance = engine.instances.get(id);
  if (instance === undefined) return empty(404);
  if (isFinal(instance)) return empty(410);
  if (!(request.headers['content-type'] ?? '').toLowerCase().startsWith('application/json')) {
    return json(400, { Message: 'Only application/json request content is supported' });
  }
  const input = bodyText(request);
  if (input === null) return notJson("Error reading JToken from JsonReader. Path '', line 0, position 0.");
  if (typeof input === 'object') return input;
  if (input.length > maxValueLength) return tooLarge();
  await engine.send(id, eventRaised(name, input));
  return empty(202);
}

async function change(call: Call, id: string, operation: string): Promise<WebResponse> {
  const { engine, request } = call;
  const instance = engine.instances.get(id);
  const reason = request.query.get('reason') ?? '';
  if (operation === 'rewind') return rewind(call, id, instance);
  if (operation === 'restart') return restart(call, id, instance);
  if (!['terminate', 'suspend', 'resume'].includes(operation)) return empty(404);
  if (instance === undefined) return empty(404);
  if (isFinal(instance)) return empty(410);
  const isSuspended = instance.status === 'Suspended';
  if ((operation === 'suspend' && isSuspended) || (operation === 'resume' && !isSuspended)) {
    return wrong(
      `Cannot ${operation} the orchestration instance ${id} because instance is in the ${instance.status} state.`,
    );
  }
  const event =
    operation === 'terminate'
      ? executionTerminated(reason)
      : operation === 'suspend'
        ? executionSuspended(reason)
        : executionResumed(reason);
  await engine.send(id, event);
  return empty(202);
}

function rewind({ options }: Call, id: string, instance: Instance | undefined): WebResponse {
  // The dollar sign is the real extension's.
  if (instance === undefined) return json(404, `No orchestration with instance ID "$${id}" found.`);
  if (instance.status !== 'Failed') {
    return json(
      412,
      `This orchestration has status ${instance.status}, but only orchestrations in the "Failed" state can be rewound.`,
    );
  }
  options.log('error', rewindRefused);
  return json(501, rewindRefused);
}

async function restart(call: Call, id: string, instance: Instance | undefined): Promise<WebResponse> {
  if (instance === undefined) {
    return failure(
      400,
      'InstanceId does not match a valid orchestration instance.',
      'System.ArgumentException',
      `No instance with ID '${id}' was found. (Parameter 'instanceId')`,
    );
  }
  const newId = isFalse(call.request.query.get('restartWithNewInstanceId'))
    ? id
    : randomUUID().replaceAll('-', '');
  const conflict = await call.starts.start(newId, instance.name, instance.input);
  if (conflict === undefined) return accepted(call, newId);
  return json(409, { Message: `An Orchestration instance with the status ${conflict} already exists.` });
}

async function purge({ engine }: Call, id: string): Promise<WebResponse> {
  const instance = engine.instances.get(id);
  if (instance === undefined) return empty(404);
  if (!isFinal(instance)) {
    return json(
      412,
      `Only orchestrations in a terminal state can be purged, but the orchestration with instance ID ${id} has status ${instance.status}`,
    );
  }
  await engine.purge(id);
  return json(200, { instancesDeleted: 1 });
}

async function purgeByFilter({ engine, request }: Call): Promise<WebResponse> {
  const filter = filterOf(request);
  if (filter.createdFrom === -Infinity) {
    return json(400, "Please provide value for 'createdTimeFrom' parameter.");
  }
  const found = [...engine.instances.values()].filter(
    (instance) => isFinal(instance) && matches(instance, filter),
  );
  for (const { instanceId } of found) await engine.purge(instanceId);
  return found.length === 0 ? empty(404) : json(200, { instancesDeleted: found.length });
}

const tooLarge = (): WebResponse =>
  wrong(
    `A value is larger than the ${maxValueLength} characters that the local engine stores; the real one moves it to a blob.`,
  );
const isTrue = (value: string | null): boolean => value?.toLowerCase() === 'true';
const isFalse = (value: string | null): boolean => value?.toLowerCase() === 'false';
