import Module from 'node:module';

import type { FunctionDefinition } from '../invocation.ts';
import type { InvocationRequest } from './messages.ts';

export type Callback = (...args: unknown[]) => unknown;
export type Hook = (context: Record<string, unknown>) => unknown;

/** The part of `@azure/functions`' programming model that a worker calls. */
export interface ProgrammingModel {
  name: string;
  version: string;
  getCapabilities(capabilities: Record<string, unknown>): Promise<Record<string, unknown>>;
  getInvocationModel(context: CoreContext): Promise<InvocationModel> | InvocationModel;
}

export interface CoreContext {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionDefinition;
  state?: string;
  log(level: string, category: string, message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcResponse>;
}

export interface RpcResponse {
  returnValue?: Record<string, unknown> | null;
  outputData?: { name: string; data: Record<string, unknown> }[];
}

const hookNames = ['preInvocation', 'postInvocation', 'appStart', 'appTerminate', 'log'] as const;
export type HookName = (typeof hookNames)[number];

/** What the app has told its worker: filled while it loads, fixed afterwards. */
export interface Registrations {
  model?: ProgrammingModel;
  functions: Map<string, { metadata: FunctionDefinition; callback: Callback }>;
  hooks: Record<HookName, Hook[]>;
  appHookData: Record<string, unknown>;
  locked: boolean;
}

class Disposable {
  readonly dispose: () => void;
  constructor(dispose: () => void) {
    this.dispose = dispose;
  }
}

/**
 * Makes `require('@azure/functions-core')` answer with the worker's interface, from any module loaded later.
 * Has to run before the first line of the app: `@azure/functions` remembers a failure for good.
 */
export function installCoreModule(log: CoreContext['log']): Registrations {
  const registrations: Registrations = {
    functions: new Map(),
    hooks: { preInvocation: [], postInvocation: [], appStart: [], appTerminate: [], log: [] },
    appHookData: {},
    locked: false,
  };
  const core = coreModule(registrations, log);
  const prototype = Module.prototype as { require: (id: string) => unknown };
  prototype.require = new Proxy(prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core'
        ? core
        : Reflect.apply<unknown, [string], unknown>(target, self, args),
  });
  return registrations;
}

function coreModule(registrations: Registrations, log: CoreContext['log']) {
  return {
    version: '3.9.1',
    hostVersion: '4.1037.0.0',
    Disposable,
    log,
    setProgrammingModel(model: ProgrammingModel) {
      registrations.model = model;
    },
    getProgrammingModel: () => registrations.model,
    registerHook(name: string, hook: Hook) {
      const known = hookNames.find((candidate) => candidate === name);
      if (known === undefined) {
        throw Object.assign(new RangeError(`Unrecognized hook "${name}"`), {
          isAzureFunctionsSystemError: true,
        });
      }
      registrations.hooks[known].push(hook);
      return new Disposable(() => {
        registrations.hooks[known] = registrations.hooks[known].filter((other) => other !== hook);
      });
    },
    registerFunction(metadata: Partial<FunctionDefinition> & { name: string }, callback: Callback) {
      const functionId = metadata.functionId ?? metadata.name;
      if (registrations.locked) {
        throw new Error('A function can only be registered during app startup.');
      }
      if (registrations.functions.has(functionId)) {
        throw new Error(`A function with id "${functionId}" has already been registered.`);
      }
      const complete = { ...metadata, functionId, bindings: metadata.bindings ?? {} };
      registrations.functions.set(functionId, { metadata: complete, callback });
      return new Disposable(() => {
        if (registrations.locked) throw new Error('A function can only be disposed during app startup.');
        registrations.functions.delete(functionId);
      });
    },
  };
}
