import type { WebRequest, WebResponse } from '../invocation.ts';

export const empty = (status: number): WebResponse => ({ status, headers: {}, body: '' });

export function json(status: number, value: unknown, headers: Record<string, string> = {}): WebResponse {
  const body = JSON.stringify(value);
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers }, body };
}

/** The real extension's error document; its stack traces are left out. */
export const failure = (
  status: number,
  message: string,
  exceptionType: string,
  exceptionMessage: string,
): WebResponse =>
  json(status, { Message: message, ExceptionMessage: exceptionMessage, ExceptionType: exceptionType });

export const wrong = (message: string): WebResponse =>
  failure(
    500,
    'Something went wrong while processing your request',
    'System.InvalidOperationException',
    message,
  );

/** A body as compact JSON text; null when there is none; a response when it is no JSON. */
export function bodyText({ body }: WebRequest): string | null | WebResponse {
  const text = Buffer.from(body).toString('utf8').trim();
  if (text === '') return null;
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    return notJson(error instanceof Error ? error.message : String(error));
  }
}

export const notJson = (message: string): WebResponse =>
  failure(400, 'Invalid JSON content', 'Newtonsoft.Json.JsonReaderException', message);
