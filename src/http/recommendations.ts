import { createHash } from 'node:crypto';
import type { HttpHandler } from '@azure/functions';
import type { Recommendation } from '../core/recommend.ts';
import { canonicalId } from '../core/resourceId.ts';
import type { Recommend } from '../workflow/recommend.ts';
import { handleCall } from './handleCall.ts';
import type { CallDependencies } from './handleCall.ts';

export interface RecommendationDependencies extends CallDependencies {
  recommend: Recommend;
  /** Ids of the subscriptions that the last lists left out. */
  unlistedSubscriptions: () => readonly string[];
}

/** The handlers of /api/recommendations. */
export function createRecommendationHandlers(
  dependencies: RecommendationDependencies,
): Record<'listRecommendations', HttpHandler> {
  return {
    listRecommendations: handleCall(dependencies, async ({ caller, correlationId }) => {
      const found = await dependencies.recommend(caller.person, { correlationId });
      const { unchecked, securityAdminRules } = found;
      const value = found.recommendations.map(presentRecommendation);
      const uncheckedSubscriptions = dependencies.unlistedSubscriptions();
      return {
        ok: true,
        status: 200,
        body: { value, unchecked, uncheckedSubscriptions, securityAdminRules },
      };
    }),
  };
}

/** One recommendation as it is answered, with the policy that is proposed in both dialects. */
export function presentRecommendation({ machine, exposed, adminRules, ports }: Recommendation) {
  const { id, osType, location } = machine;
  const [, group = ''] = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)\//i.exec(id) ?? [];
  const name = id.slice(id.lastIndexOf('/') + 1);
  return {
    virtualMachine: { id, ...(osType === undefined ? {} : { osType }) },
    exposedPorts: exposed,
    securityAdminRules: adminRules,
    policy: { path: `/api/policies/${policyNameOf(id, name)}`, body: policyFor(id, ports) },
    ...(location === undefined
      ? {}
      : {
          jitNetworkAccessPolicy: {
            path: `/api/arm${group}/providers/Microsoft.Security/locations/${location}/jitNetworkAccessPolicies/${name}?api-version=2020-01-01`,
            body: {
              kind: 'Basic',
              properties: {
                virtualMachines: [
                  {
                    id,
                    ports: ports.map((number) => ({
                      number,
                      protocol: 'TCP',
                      allowedSourceAddressPrefix: '*',
                      maxRequestAccessDuration: 'PT3H',
                    })),
                  },
                ],
              },
            },
          },
        }),
  };
}

/** A name that no other machine's policy has by this: machines of two groups may be called the same. */
function policyNameOf(id: string, name: string): string {
  const hash = createHash('sha256').update(canonicalId(id)).digest('hex').slice(0, 8);
  return `recommended-${name.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 40)}-${hash}`;
}

/** The same in the words of /api/policies: for whom it is open is left to the administrator to narrow. */
function policyFor(id: string, ports: readonly number[]) {
  return {
    entries: [
      {
        selector: { virtualMachineIds: [id] },
        ports: ports.map((number) => ({
          ...{ number, protocol: 'Tcp', maxRequestAccessDuration: 'PT3H' },
          allowedSourceAddressPrefixes: ['0.0.0.0/0', '::/0'],
        })),
      },
    ],
    baseline: { kind: 'internet' },
  };
}
