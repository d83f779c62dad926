import type { HttpRequest } from '@azure/functions';
import type { ArmError } from './armError.ts';
import { policyType } from './jitTarget.ts';

const apiVersions = ['2020-01-01', '2015-06-01-preview'];

/** What is wrong with the api-version of a call, in ARM's words; undefined if nothing is. */
export function problemOfApiVersion({ query }: Pick<HttpRequest, 'query'>): ArmError | undefined {
  // Azure takes the names of query parameters in any case.
  const [, version = ''] = [...query].find(([name]) => name.toLowerCase() === 'api-version') ?? [];
  if (version === '') {
    return {
      status: 400,
      code: 'MissingApiVersionParameter',
      message: 'The api-version query parameter (?api-version=) is required for all requests.',
    };
  }
  if (apiVersions.includes(version.toLowerCase())) return undefined;
  return {
    status: 400,
    code: 'NoRegisteredProviderFound',
    message: `No registered resource provider found for API version '${version.slice(0, 60)}' for type '${policyType}'. The supported api-versions are '${apiVersions.join(', ')}'.`,
  };
}
