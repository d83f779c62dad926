import type { InvocationOutcome, TypedData } from '../invocation.ts';
import type { HistoryEvent } from './history.ts';

/**
 * The longest text of one value (input, result, event) in UTF-16 units: table entities end at 1 MiB. The real engine
 * moves what is larger into a blob.
 */
export const maxValueLength = 200_000;

/** An action of the orchestrator's list; `actionType` says which of the members are there. */
export interface Action {
  actionType: number;
  functionName?: string;
  input?: unknown;
  fireAt?: string;
  isCanceled?: boolean;
  externalEventName?: string;
  compoundActions?: Action[];
  retryOptions?: RetryOptions;
}

export interface RetryOptions {
  firstRetryIntervalInMilliseconds: number;
  maxNumberOfAttempts: number;
  backoffCoefficient?: number;
  maxRetryIntervalInMilliseconds?: number;
  retryTimeoutInMilliseconds?: number;
}

/** What the SDK's orchestrator says after one episode. */
export interface OrchestratorState {
  isDone: boolean;
  actions: Action[];
  output?: unknown;
  error?: string;
  customStatus?: unknown;
  /** It threw, but said no error: something that is not an Error. The real engine then waits for ever. */
  hung: boolean;
}

/** The text of the `orchestrationTrigger` input: indented JSON. */
export function orchestrationText(history: readonly HistoryEvent[], isReplaying: boolean): string {
  const started = history.find((event) => event.OrchestrationInstance !== undefined);
  return JSON.stringify(
    {
      history,
      input: started?.Input === null || started?.Input === undefined ? null : parse(started.Input),
      instanceId: started?.OrchestrationInstance?.InstanceId,
      isReplaying,
      parentInstanceId: null,
      ...{ upperSchemaVersion: 1, upperSchemaVersionNew: 3 },
      longRunningTimerIntervalDuration: '3.00:00:00',
      maximumShortTimerDuration: '6.00:00:00',
      // Misspelt in the real protocol.
      defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
    },
    null,
    2,
  );
}

const outOfProcData = '$OutOfProcData$:';

/** Reads an episode's outcome; undefined when the worker gave no state at all (it died, or failed around the SDK). */
export function orchestratorState(outcome: InvocationOutcome): OrchestratorState | undefined {
  if (outcome.kind === 'worker-died') return undefined;
  const failed = outcome.kind === 'failure';
  const text = failed ? stateInFailure(outcome.message) : outcome.returnValue?.json;
  const state = text === undefined ? undefined : parse(text);
  if (typeof state !== 'object' || state === null) return undefined;
  const { actions, ...rest } = state as Omit<OrchestratorState, 'actions'> & { actions?: Action[][] };
  return { ...rest, actions: actions?.[0] ?? [], hung: failed && rest.error === undefined };
}

function stateInFailure(message: string): string | undefined {
  const at = message.indexOf(outOfProcData);
  return at < 0 ? undefined : message.slice(at + outOfProcData.length);
}

/** An activity's input as .NET turns it into text; undefined means that nothing is passed. */
export function activityInputText(input: unknown): string | undefined {
  if (input === undefined || input === null) return undefined;
  if (typeof input === 'string') return input;
  if (typeof input === 'boolean') return input ? 'True' : 'False';
  if (typeof input === 'number') return numberText(input);
  return JSON.stringify(input);
}

/** An activity's result as the JSON text that goes into the history. */
export function resultText(value: TypedData | undefined): string {
  if (value?.json !== undefined) return value.json;
  if (value?.string !== undefined) return JSON.stringify(value.string);
  if (value?.bytes !== undefined) return JSON.stringify(Buffer.from(value.bytes).toString('base64'));
  const number = value?.int ?? value?.double;
  return number === undefined ? 'null' : numberText(number);
}

/** .NET's exponents have a capital E, a sign and two digits, and begin below 1E-04; JavaScript's integers stay integers. */
function numberText(value: number): string {
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace(
    /e([+-])(\d+)$/,
    (_, sign: string, digits: string) => `E${sign}${digits.padStart(2, '0')}`,
  );
}

const exception = {
  ...{ HelpURL: null, StackTraceString: null, RemoteStackTraceString: null, RemoteStackIndex: 0 },
  ...{ ExceptionMethod: null, HResult: -2146233088, Source: null, WatsonBuckets: null },
};
const noData = { $type: 'System.Collections.ListDictionaryInternal, System.Private.CoreLib' };

/** Reason and Details of a failed activity, in the real engine's words (two blanks after a function's own failure). */
export function activityFailure(
  name: string,
  outcome: Exclude<InvocationOutcome, { kind: 'success' }>,
): { reason: string; details: string } {
  if (outcome.kind === 'worker-died') {
    return {
      reason: `Activity function '${name}' failed: ${outcome.reason}`,
      details: JSON.stringify({
        $type:
          'Microsoft.Azure.WebJobs.Script.Workers.WorkerProcessExitException, Microsoft.Azure.WebJobs.Script',
        ...{ Message: outcome.reason, Data: noData, InnerException: null, HelpLink: null },
        ...{ Source: 'System.Private.CoreLib', HResult: -2146233088, StackTrace: null },
      }),
    };
  }
  const { message, stackTrace } = outcome;
  return {
    reason: `Activity function '${name}' failed:  ${message}`,
    details: JSON.stringify({
      ...{ $type: 'System.Exception, System.Private.CoreLib', ClassName: 'System.Exception' },
      ...{ Message: ` ${message}`, Data: null },
      InnerException: {
        $type: 'Microsoft.Azure.WebJobs.Script.Workers.Rpc.RpcException, Microsoft.Azure.WebJobs.Script',
        ...{ IsUserException: false, RemoteStackTrace: stackTrace, RemoteMessage: message },
        ...{ RemoteTypeName: null, Message: `Result: Failure\nException: ${message}\nStack: ${stackTrace}` },
        ...{ Data: noData, InnerException: null, HelpLink: null, Source: 'System.Private.CoreLib' },
        ...{ HResult: -2146233088, StackTrace: null },
      },
      ...exception,
    }),
  };
}

/** JSON.parse, with undefined for text that is none. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
