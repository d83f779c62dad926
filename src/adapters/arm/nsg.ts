import type { Clock } from '../../core/clock.ts';
import type {
  CallOptions,
  Json,
  JsonObject,
  NsgDocument,
  ReadNsgResult,
  WriteNsgResult,
} from '../../core/network.ts';
import { followOperation } from './followOperation.ts';
import { isForbidden, isLock, isRecord, problemOfAnswer, type Problem } from './problem.ts';
import type { RawAnswer, RawRequest, SendRaw } from './rawRequest.ts';
import { parseIdOfType, pathOf } from './resourceId.ts';
import type { Timeouts } from './timeouts.ts';

/** Network security groups as raw JSON, so that what we do not know survives being read and written. */
export interface Nsgs {
  read(nsgId: string, options: CallOptions): Promise<ReadNsgResult>;
  write(nsg: NsgDocument, body: JsonObject, options: CallOptions): Promise<WriteNsgResult>;
  deleteRule(nsg: NsgDocument, ruleName: string, options: CallOptions): Promise<WriteNsgResult>;
  writeRule(nsg: NsgDocument, rule: JsonObject, options: CallOptions): Promise<WriteNsgResult>;
}

export interface NsgSettings {
  origin: string;
  /** The api-version that decides which properties there are. */
  apiVersion: string;
  timeouts: Timeouts;
  /** How far apart the state of an operation may be asked for, in seconds. */
  pauseBetweenPolls: (subscriptionId: string) => number;
}

const nsgType = 'Microsoft.Network/networkSecurityGroups';
const ruleType = `${nsgType}/securityRules`;
const notAnNsg = { kind: 'not-found', message: 'This is not the id of a network security group.' } as const;
const notARule = { kind: 'not-found', message: 'This is not the name of a security rule.' } as const;

/** Waits that Azure did not name. */
const defaultLockSeconds = 1;
const defaultThrottleSeconds = 10;

/** Makes the reads and writes of NSGs and of single rules, as raw JSON; each write is sent once and followed to its end. */
export function createNsgs(send: SendRaw, clock: Clock, settings: NsgSettings): Nsgs {
  const { origin, timeouts } = settings;

  function locate(id: string, type: string): { subscriptionId: string; url: string } | undefined {
    const parsed = parseIdOfType(id, type);
    if (!parsed) return undefined;
    const url = `${origin}${pathOf(parsed)}?api-version=${encodeURIComponent(settings.apiVersion)}`;
    return { subscriptionId: parsed.subscriptionId, url };
  }

  /** A name that holds a slash or more would make an id of another type, or none. */
  const locateRule = (nsg: NsgDocument, name: string) => locate(`${nsg.id}/securityRules/${name}`, ruleType);

  /** Sends a write once and follows what it began to its end. */
  async function sendWrite(
    write: Pick<RawRequest, 'subscriptionId' | 'url' | 'method' | 'headers' | 'body'>,
    { correlationId, notAfter }: CallOptions,
  ): Promise<WriteNsgResult> {
    const answer = await send({
      ...write,
      correlationId,
      notAfter,
      timeoutMilliseconds: timeouts.writeMilliseconds,
      repeat: 'never',
    });
    if (answer.kind === 'too-late') return answer;
    if (answer.kind === 'no-answer') return { kind: 'unknown', message: answer.message };
    const { status } = answer;
    if (status !== 200 && status !== 201 && status !== 202 && status !== 204) return failedWrite(answer);
    const operationUrl = answer.header('azure-asyncoperation');
    if (operationUrl === undefined) {
      return status === 202
        ? { kind: 'unknown', message: 'Azure accepted the write without naming an operation.' }
        : { kind: 'settled' };
    }
    return followOperation(send, clock, origin, {
      subscriptionId: write.subscriptionId,
      url: operationUrl,
      correlationId,
      deadlineMilliseconds: timeouts.operationMilliseconds,
      pause: () => settings.pauseBetweenPolls(write.subscriptionId),
    });
  }

  return {
    async read(nsgId, { correlationId, notAfter }) {
      const target = locate(nsgId, nsgType);
      if (!target) return notAnNsg;
      const answer = await send({
        ...target,
        method: 'GET',
        correlationId,
        notAfter,
        timeoutMilliseconds: timeouts.readMilliseconds,
        repeat: 'after-fault',
      });
      return readResult(nsgId, answer);
    },

    async write(nsg, body, options) {
      const target = locate(nsg.id, nsgType);
      if (!target) return notAnNsg;
      // `*` or nothing would overwrite whatever somebody else has written meanwhile.
      if (!isPrecondition(nsg.etag))
        throw new Error('A network security group is written with its etag only.');
      const headers = { 'if-match': nsg.etag };
      return sendWrite({ ...target, method: 'PUT', headers, body: JSON.stringify(body) }, options);
    },

    // Whether Azure heeds an If-Match on a rule is not known, and the etag is the whole NSG's: none is sent.
    async deleteRule(nsg, ruleName, options) {
      const target = locateRule(nsg, ruleName);
      return target ? sendWrite({ ...target, method: 'DELETE' }, options) : notARule;
    },

    async writeRule(nsg, rule, options) {
      const { name } = rule;
      const target = typeof name === 'string' ? locateRule(nsg, name) : undefined;
      if (!target) return notARule;
      return sendWrite({ ...target, method: 'PUT', body: JSON.stringify(rule) }, options);
    },
  };
}

function readResult(nsgId: string, answer: RawAnswer): ReadNsgResult {
  if (answer.kind === 'too-late') return { kind: 'unknown', message: 'It was too late to read.' };
  if (answer.kind === 'no-answer') return { kind: 'unknown', message: answer.message };
  if (answer.status !== 200) {
    const problem = problemOf(answer);
    const message = problem.message;
    if (answer.status === 404) return { kind: 'not-found', message };
    if (isForbidden(problem)) return { kind: 'not-permitted', message };
    if (answer.status === 429)
      return { kind: 'throttled', ...retryAfter(problem, defaultThrottleSeconds), message };
    return { kind: 'unknown', message };
  }
  const body = parseJsonObject(answer.text);
  const etag = body?.['etag'];
  const properties = body?.['properties'];
  if (!body || typeof etag !== 'string' || !isPrecondition(etag) || !isRecord(properties)) {
    return {
      kind: 'unknown',
      message: 'Azure answered with something that is not a network security group.',
    };
  }
  const state = properties['provisioningState'];
  return {
    kind: 'read',
    nsg: { id: nsgId, etag, provisioningState: typeof state === 'string' ? state : '', body },
  };
}

function failedWrite(answer: RawAnswer & { kind: 'answer' }): WriteNsgResult {
  const problem = problemOf(answer);
  const { code, message } = problem;
  const { status } = answer;
  if (status === 412) return { kind: 'changed-meanwhile' };
  if (isLock(problem)) return { kind: 'locked', ...retryAfter(problem, defaultLockSeconds), message };
  if (status === 429) return { kind: 'throttled', ...retryAfter(problem, defaultThrottleSeconds), message };
  if (isForbidden(problem)) return { kind: 'not-permitted', code, message };
  if (status === 404) return { kind: 'not-found', message };
  // 408 is a gateway that gave up waiting; a redirect is not followed.
  if (status === 408 || status < 400 || status >= 500) return { kind: 'unknown', message };
  return { kind: 'refused', code, message };
}

function problemOf(answer: RawAnswer & { kind: 'answer' }): Problem {
  return problemOfAnswer(answer.status, answer.text, answer.header('retry-after'));
}

function retryAfter(problem: Problem, otherwise: number): { retryAfterSeconds: number } {
  return { retryAfterSeconds: problem.retryAfterSeconds ?? otherwise };
}

function isPrecondition(etag: string): boolean {
  return etag !== '' && etag !== '*';
}

function parseJsonObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
