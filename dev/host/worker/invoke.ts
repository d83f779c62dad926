import { inspect } from 'node:util';

import type { InvocationOutcome } from '../invocation.ts';
import type { Callback, CoreContext, Hook, Registrations } from './coreModule.ts';
import type { InvocationRequest } from './messages.ts';

type Log = (level: string, category: string, message: string, functionName?: string) => void;

/** Runs one invocation with its hooks, in the order of the Functions worker; never rejects. */
export async function invoke(
  registrations: Registrations,
  request: InvocationRequest,
  log: Log,
): Promise<InvocationOutcome> {
  try {
    return await run(registrations, request, log);
  } catch (thrown) {
    return failure(thrown);
  }
}

async function run(
  registrations: Registrations,
  request: InvocationRequest,
  log: Log,
): Promise<InvocationOutcome> {
  const registered = registrations.functions.get(request.functionId);
  if (registered === undefined)
    throw new Error(`Function "${request.functionId}" is not loaded in the worker.`);
  if (registrations.model === undefined) throw new Error('The app set no programming model.');
  const { metadata } = registered;
  const core: CoreContext = {
    invocationId: request.invocationId,
    request,
    metadata,
    log: (level, category, message) => log(level, category, message, metadata.name),
  };
  const model = await registrations.model.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  const { appHookData, hooks } = registrations;
  const hookData = {};

  core.state = 'preInvocationHooks';
  const before: Record<string, unknown> & { inputs: unknown[]; functionCallback: Callback } = {
    ...{ hookData, appHookData, invocationContext: context },
    ...{ inputs, functionCallback: registered.callback },
  };
  await runHooks(hooks.preInvocation, before);

  core.state = 'invocation';
  const after: Record<string, unknown> = {
    hookData,
    appHookData,
    invocationContext: context,
    inputs: before.inputs,
  };
  try {
    after['result'] = await model.invokeFunction(context, before.inputs, before.functionCallback);
    after['error'] = null;
  } catch (thrown) {
    after['result'] = null;
    after['error'] = thrown ?? new Error(`The function threw ${String(thrown)}.`);
  }

  core.state = 'postInvocationHooks';
  await runHooks(hooks.postInvocation, after);
  if (after['error'] !== null && after['error'] !== undefined) return failure(after['error']);

  const response = await model.getResponse(context, after['result']);
  const outputData = (response.outputData ?? []).map(({ name, data }) => ({ name, data: data }));
  if (response.returnValue === null || response.returnValue === undefined)
    return { kind: 'success', outputData };
  return { kind: 'success', returnValue: response.returnValue, outputData };
}

/** Runs hooks one after the other, in the order they were registered. */
export async function runHooks(hooks: readonly Hook[], context: Record<string, unknown>): Promise<void> {
  for (const hook of hooks) await hook(context);
}

function failure(thrown: unknown): InvocationOutcome {
  const error =
    thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : inspect(thrown));
  return { kind: 'failure', message: error.message, stackTrace: error.stack ?? '' };
}
