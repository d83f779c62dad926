import { UsageError } from '../usageError.ts';
import { createApi } from './api.ts';
import type { Api } from './api.ts';
import { optionText } from './command.ts';
import type { CommandOptions, Invocation } from './command.ts';
import { findToken } from './token.ts';

/** Where the app is, and who asks. */
export const connectOptions: CommandOptions = {
  url: { type: 'string' },
  scope: { type: 'string' },
  as: { type: 'string' },
};

/** Where `npm start` serves the app. */
const localUrl = 'http://127.0.0.1:7071';

/** The app that the options or the environment name, as whoever they name. Throws UsageError for what they leave open. */
export async function connect(
  options: Invocation['options'],
  env: Record<string, string | undefined>,
): Promise<Api> {
  const text = (option: string) => optionText(options, option);
  const url = urlOf(text('url') ?? env['SALLYPORT_URL'] ?? localUrl);
  const scope = text('scope') ?? env['SALLYPORT_SCOPE'];
  return createApi(url, await findToken(url, { scope, as: text('as') }, env));
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${text} is no address of the app.`);
  return url;
}
