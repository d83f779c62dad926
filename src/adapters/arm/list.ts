import { isOfOrigin } from './clients.ts';
import { isRecord, parseObject, problemOfAnswer } from './problem.ts';
import type { SendRaw } from './rawRequest.ts';
import type { Timeouts } from './timeouts.ts';

export interface ListSettings {
  origin: string;
  timeouts: Pick<Timeouts, 'readMilliseconds'>;
}

export interface FailedPage {
  kind: 'failed';
  status?: number;
  code?: string;
  message: string;
  retryAfterSeconds?: number;
}

export type ListPage = { kind: 'page'; items: Record<string, unknown>[] } | FailedPage;

/** Every page of a list, or what the first page that failed says. */
export async function listAll(
  ...parameters: Parameters<typeof list>
): Promise<{ kind: 'all'; items: Record<string, unknown>[] } | FailedPage> {
  const items: Record<string, unknown>[] = [];
  for await (const page of list(...parameters)) {
    if (page.kind === 'failed') return page;
    items.push(...page.items);
  }
  return { kind: 'all', items };
}

/** Azure's smallest pages hold 100: far beyond what one subscription has of anything that is listed here. */
const mostPages = 1000;

/**
 * A list of ARM, one read for each page, `path` beginning with a slash and without query; `filter` in ARM's own words. Ends after a `failed`: what came
 * before it stands, what would have come is not known.
 */
export async function* list(
  send: SendRaw,
  settings: ListSettings,
  wanted: {
    subscriptionId: string;
    path: string;
    apiVersion: string;
    correlationId: string;
    filter?: string;
  },
): AsyncGenerator<ListPage> {
  const { origin } = settings;
  const filter = wanted.filter === undefined ? '' : `&$filter=${encodeURIComponent(wanted.filter)}`;
  let url = `${origin}${wanted.path}?api-version=${encodeURIComponent(wanted.apiVersion)}${filter}`;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const read = await readPage(send, settings, { ...wanted, url });
    yield read.page;
    if (read.next === undefined) return;
    // Whoever could put another address there would be handed a token.
    if (!isOfOrigin(read.next, origin)) {
      yield failed('Azure named a next page outside of Azure Resource Manager; it was not read.').page;
      return;
    }
    url = read.next;
  }
  yield failed(`The list did not end after ${mostPages} pages.`).page;
}

async function readPage(
  send: SendRaw,
  { timeouts }: ListSettings,
  { subscriptionId, url, correlationId }: { subscriptionId: string; url: string; correlationId: string },
): Promise<{ page: ListPage; next?: string }> {
  const answer = await send({
    subscriptionId,
    method: 'GET',
    url,
    correlationId,
    repeat: 'after-fault',
    timeoutMilliseconds: timeouts.readMilliseconds,
  });
  if (answer.kind === 'too-late') return failed('It was too late to list.');
  if (answer.kind === 'no-answer') return failed(answer.message);
  const { status, text } = answer;
  if (status !== 200) {
    const { code, message, retryAfterSeconds } = problemOfAnswer(status, text, answer.header('retry-after'));
    const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
    return { page: { kind: 'failed', status, code, message, ...retry } };
  }
  const body = parseObject(text);
  const value = body?.['value'];
  const next = body?.['nextLink'] ?? '';
  if (!Array.isArray(value) || typeof next !== 'string') {
    return failed('Azure answered with something that is not a list.');
  }
  const items = (value as unknown[]).filter(isRecord);
  if (items.length < value.length) return failed('Azure answered with a list that cannot be read.');
  return { page: { kind: 'page', items }, ...(next === '' ? {} : { next }) };
}

function failed(message: string): { page: ListPage } {
  return { page: { kind: 'failed', message } };
}
