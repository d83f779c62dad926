import { odata, RestError, type TableClient, type TableEntity } from '@azure/data-tables';
import * as z from 'zod';
import { textOf } from './entity.ts';

const deadlineSeconds = 10;

/** An answer that the caller expects and handles; every other refusal is thrown. */
type Expected = 'absent' | 'exists' | 'changed' | 'forbidden' | 'no-table';

export interface CallSignal {
  abortSignal: AbortSignal;
}

/** A row as the SDK returns it, values unknown. */
export interface Entity {
  [property: string]: unknown;
  etag: string;
  partitionKey?: string;
  rowKey?: string;
}

/**
 * Makes one call within 10 seconds, retries of the SDK included.
 * Returns the result or, of the answers named, the one that came. Throws an Error that names the call otherwise; its
 * `cause` is the SDK's error.
 */
export async function ask<T, E extends Expected = never>(
  what: string,
  call: (signal: CallSignal) => Promise<T>,
  ...expected: E[]
): Promise<T | E> {
  const abortSignal = AbortSignal.timeout(deadlineSeconds * 1000);
  try {
    return await Promise.race([call({ abortSignal }), failedBy(abortSignal)]);
  } catch (error) {
    if (abortSignal.aborted) {
      throw new Error(`Table Storage did not answer within ${deadlineSeconds} s: ${what}.`, { cause: error });
    }
    if (!(error instanceof RestError)) throw error;
    const answer = expected.find((candidate) => candidate === answerOf(error));
    if (answer !== undefined) return answer;
    const code = codeOf(error) ?? error.code ?? 'no code';
    throw new Error(`Table Storage refused or failed: ${what}: ${error.statusCode ?? 'no answer'} ${code}.`, {
      cause: error,
    });
  }
}

/** The SDK minds the signal while it sends, but not while it waits for a token. */
function failedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('The deadline has passed.')), { once: true });
  });
}

/**
 * Inserts a row once. `exists` if another content stands there.
 *
 * The SDK sends an insert again when the answer to the first was lost, and is then told that the row exists: a row
 * that is byte for byte ours counts as inserted by us.
 */
export async function insertOnce(
  what: string,
  table: TableClient,
  entity: TableEntity,
): Promise<{ etag: string } | 'exists'> {
  const created = await ask(what, (signal) => table.createEntity(entity, signal), 'exists');
  if (created !== 'exists') return { etag: etagOf(what, created.etag) };
  const existing = await getRow(what, table, entity.partitionKey, entity.rowKey);
  return existing !== undefined && textOf(what, existing) === textOf(what, entity)
    ? { etag: existing.etag }
    : 'exists';
}

/** Replaces a whole row if it still has this ETag; `changed` if it has not or is gone. */
export async function replaceRow(
  what: string,
  table: TableClient,
  entity: TableEntity,
  etag: string,
): Promise<{ etag: string } | 'changed'> {
  const replaced = await ask(
    what,
    (signal) => table.updateEntity(entity, 'Replace', { ...signal, etag }),
    'changed',
    'absent',
  );
  if (replaced === 'changed' || replaced === 'absent') return 'changed';
  return { etag: etagOf(what, replaced.etag) };
}

/** One row, or undefined if it is absent. A missing table is an error: what cannot be read is not absent. */
export async function getRow(
  what: string,
  table: TableClient,
  partitionKey: string,
  rowKey: string,
): Promise<Entity | undefined> {
  const found = await ask(what, (signal) => table.getEntity<Entity>(partitionKey, rowKey, signal), 'absent');
  return found === 'absent' ? undefined : found;
}

/** Every row of a partition in the order of its row keys. */
export function rowsOfPartition(what: string, table: TableClient, partition: string): AsyncGenerator<Entity> {
  return eachRow(what, table, { filter: odata`PartitionKey eq ${partition}` });
}

/** Rows in the order of their keys, read page by page with a deadline for each page. */
export async function* eachRow(
  what: string,
  table: TableClient,
  query: { filter?: string; select?: string[] },
  maxPageSize = 1000,
): AsyncGenerator<Entity> {
  let continuationToken: string | undefined;
  do {
    const position = continuationToken === undefined ? { maxPageSize } : { maxPageSize, continuationToken };
    const page = await ask(what, (signal) =>
      table
        .listEntities<Entity>({ ...signal, queryOptions: query })
        .byPage(position)
        .next(),
    );
    if (page.done === true) return;
    yield* page.value;
    continuationToken = page.value.continuationToken;
  } while (continuationToken !== undefined);
}

// Azure puts the code into the body, Azurite also into a header.
const details = z.object({
  odataError: z.object({ code: z.string() }).optional().catch(undefined),
  errorCode: z.string().optional().catch(undefined),
});

function codeOf(error: RestError): string | undefined {
  const parsed = details.safeParse(error.details);
  return parsed.success ? (parsed.data.odataError?.code ?? parsed.data.errorCode) : undefined;
}

function answerOf(error: RestError): Expected | undefined {
  if (error.statusCode === 412) return 'changed';
  if (error.statusCode === 403) return 'forbidden';
  // Of a failed transaction there is no body, only the code of the change that failed.
  const code = codeOf(error) ?? error.code;
  if (error.statusCode === 409 && code === 'EntityAlreadyExists') return 'exists';
  // TableNotFound is a 404 too, and means that everything is lost, not that one row is absent.
  if (error.statusCode === 404 && (code === 'ResourceNotFound' || code === 'EntityNotFound')) return 'absent';
  if (error.statusCode === 404 && code === 'TableNotFound') return 'no-table';
  return undefined;
}

function etagOf(what: string, etag: string | undefined): string {
  if (etag === undefined) throw new Error(`Table Storage returned no ETag: ${what}.`);
  return etag;
}
