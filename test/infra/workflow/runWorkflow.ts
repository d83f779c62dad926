/**
 * Runs a definition of Logic Apps once: actions in the order of `runAfter`, their statuses, what is terminated. Only the types of
 * action that the watchdog has.
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-actions-triggers
 */
import { evaluateIn, ExpressionError } from './expression.ts';
import type { Functions, Value } from './expression.ts';
import { pureFunctions, text } from './functions.ts';

export type Status = 'Succeeded' | 'Failed' | 'Skipped';

interface Action {
  type: string;
  description?: string;
  inputs?: unknown;
  runAfter: Record<string, string[]>;
  expression?: unknown;
  foreach?: unknown;
  runtimeConfiguration?: unknown;
  actions?: Record<string, Action>;
  else?: { actions: Record<string, Action> };
}

export interface Definition {
  parameters: Record<string, unknown>;
  actions: Record<string, Action>;
}

export interface HttpCall {
  method: string;
  uri: string;
  headers?: Record<string, string>;
  body?: unknown;
  /** For whom the token of the workflow's identity is. */
  audience: string;
}

export interface HttpAnswer {
  statusCode: number;
  headers: Record<string, string>;
  body: Value;
}

export interface WorkflowWorld {
  parameters: Record<string, Value>;
  now: () => Date;
  sleep: (milliseconds: number) => void;
  send: (call: HttpCall) => Promise<HttpAnswer>;
}

export interface Run {
  status: 'Succeeded' | 'Failed';
  error?: { code: string; message: string };
}

interface Outcome {
  status: Status;
  outputs?: Value;
}

class Terminated extends Error {
  readonly run: Run;
  constructor(run: Run) {
    super(run.status);
    this.run = run;
  }
}

/** Azure asks again where an answer says that it may help. */
const worthAnotherTry = (status: number) => status === 408 || status === 429 || status >= 500;

export async function runWorkflow(definition: Definition, world: WorkflowWorld): Promise<Run> {
  const outcomes = new Map<string, Outcome>();
  const variables = new Map<string, Value>();
  const items = new Map<string, Value>();
  const functions: Functions = {
    ...pureFunctions(world.now),
    parameters: (name) => known(world.parameters[text(name)], 'parameter', name),
    variables: (name) => known(variables.get(text(name)), 'variable', name),
    items: (name) => known(items.get(text(name)), 'loop', name),
    actions: (name) => ({ status: outcomeOf(text(name)).status }),
    outputs: (name) => outcomeOf(text(name)).outputs ?? null,
    body: (name) => bodyOf(outcomeOf(text(name)).outputs),
  };
  try {
    const status = await runAll(definition.actions);
    return { status };
  } catch (error) {
    if (error instanceof Terminated) return error.run;
    throw error;
  }

  function outcomeOf(name: string): Outcome {
    const outcome = outcomes.get(name);
    if (outcome === undefined) throw new ExpressionError(`The action ${name} has not run.`);
    return outcome;
  }

  /**
   * Failed if a path ends with an action that failed, or with one that was skipped after it.
   * https://learn.microsoft.com/azure/logic-apps/logic-apps-exception-handling
   */
  async function runAll(actions: Record<string, Action>): Promise<'Succeeded' | 'Failed'> {
    const waiting = new Map(Object.entries(actions));
    for (const name of waiting.keys()) outcomes.delete(name);
    while (waiting.size > 0) {
      const next = [...waiting].find(([, { runAfter }]) =>
        Object.keys(runAfter).every((before) => before in actions && !waiting.has(before)),
      );
      if (next === undefined)
        throw new Error(`These actions wait for each other: ${[...waiting.keys()].join(', ')}.`);
      const [name, action] = next;
      waiting.delete(name);
      const isDue = Object.entries(action.runAfter).every(([before, statuses]) =>
        statuses.includes(outcomeOf(before).status),
      );
      outcomes.set(name, isDue ? await runOne(name, action) : { status: 'Skipped' });
    }
    const isLast = (name: string) => !Object.values(actions).some(({ runAfter }) => name in runAfter);
    return Object.keys(actions).some((name) => isLast(name) && hasFailed(name, actions))
      ? 'Failed'
      : 'Succeeded';
  }

  /** A path that ends with what was skipped has the status of what came before that, whoever else dealt with it. */
  function hasFailed(name: string, actions: Record<string, Action>): boolean {
    const { status } = outcomeOf(name);
    if (status !== 'Skipped') return status === 'Failed';
    return Object.keys(actions[name]?.runAfter ?? {}).some((before) => hasFailed(before, actions));
  }

  async function runOne(name: string, action: Action): Promise<Outcome> {
    try {
      return await perform(name, action);
    } catch (error) {
      if (error instanceof ExpressionError) return { status: 'Failed', outputs: error.message };
      throw error;
    }
  }

  async function perform(name: string, action: Action): Promise<Outcome> {
    switch (action.type) {
      case 'InitializeVariable': {
        const { variables: made } = action.inputs as { variables: { name: string; value: Value }[] };
        for (const one of made) variables.set(one.name, one.value);
        return { status: 'Succeeded' };
      }
      case 'AppendToArrayVariable': {
        const { name: list, value } = evaluateIn(action.inputs, functions) as { name: string; value: Value };
        variables.set(list, [...(known(variables.get(list), 'variable', list) as Value[]), value]);
        return { status: 'Succeeded' };
      }
      case 'Compose':
        return { status: 'Succeeded', outputs: evaluateIn(action.inputs, functions) };
      case 'If': {
        const chosen = isTrue(action.expression) ? action.actions : action.else?.actions;
        return { status: await runAll(chosen ?? {}) };
      }
      case 'Foreach': {
        const statuses: string[] = [];
        for (const item of evaluateIn(action.foreach, functions) as Value[]) {
          items.set(name, item);
          statuses.push(await runAll(action.actions ?? {}));
        }
        return { status: statuses.includes('Failed') ? 'Failed' : 'Succeeded' };
      }
      case 'Http':
        return await send(action);
      case 'Terminate': {
        const { runStatus, runError } = evaluateIn(action.inputs, functions) as {
          runStatus: 'Failed';
          runError: { code: string; message: string };
        };
        throw new Terminated({ status: runStatus, error: runError });
      }
      default:
        throw new Error(`Actions of the type ${action.type} are not known here.`);
    }
  }

  function isTrue(expression: unknown): boolean {
    const [[operator, operands] = ['', undefined]] = Object.entries(expression as Record<string, unknown>);
    const list = operands as unknown[];
    // All of them: nothing may rest on the rest being left out.
    if (operator === 'and') return list.map(isTrue).every(Boolean);
    if (operator === 'or') return list.map(isTrue).some(Boolean);
    if (operator === 'not') return !isTrue(operands);
    const compare = functions[operator];
    if (compare === undefined) throw new Error(`The comparison ${operator} is not known here.`);
    return compare(...list.map((one) => evaluateIn(one, functions))) === true;
  }

  async function send({ inputs }: Action): Promise<Outcome> {
    const { authentication, retryPolicy, ...call } = evaluateIn(inputs, functions) as unknown as HttpCall & {
      authentication: { type: string; audience: string };
      retryPolicy: { type: string; count: number };
    };
    if (authentication.type !== 'ManagedServiceIdentity') throw new Error('Only by its own identity.');
    const asked = { ...call, audience: authentication.audience };
    let answer = await world.send(asked);
    for (let time = 0; time < retryPolicy.count && worthAnotherTry(answer.statusCode); time += 1) {
      world.sleep(Number(answer.headers['retry-after'] ?? '10') * 1000);
      answer = await world.send(asked);
    }
    // Unless it is switched off, an accepted call is followed to its end.
    while (answer.statusCode === 202 && answer.headers['location'] !== undefined) {
      world.sleep(Number(answer.headers['retry-after'] ?? '20') * 1000);
      answer = await world.send({ method: 'GET', uri: answer.headers['location'], audience: asked.audience });
    }
    const outputs = { statusCode: answer.statusCode, body: answer.body };
    return { status: answer.statusCode < 300 ? 'Succeeded' : 'Failed', outputs };
  }
}

function bodyOf(outputs: Value | undefined): Value {
  return typeof outputs === 'object' && outputs !== null && !Array.isArray(outputs)
    ? (outputs['body'] ?? null)
    : null;
}

function known<T>(value: T | undefined, what: string, name: Value | undefined): T {
  if (value === undefined) throw new ExpressionError(`There is no ${what} ${text(name)}.`);
  return value;
}
