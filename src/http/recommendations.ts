import type { HttpHandler } from '@azure/functions';
import type { Recommendation } from '../core/recommend.ts';
import type { Recommend } from '../workflow/recommend.ts';
import { handleCall } from './handleCall.ts';
import type { CallDependencies } from './handleCall.ts';

export interface RecommendationDependencies extends CallDependencies {
  recommend: Recommend;
}

/** The handlers of /api/recommendations. */
export function createRecommendationHandlers(
  dependencies: RecommendationDependencies,
): Record<'listRecommendations', HttpHandler> {
  return {
    listRecommendations: handleCall(dependencies, async ({ caller, correlationId }) => {
      const { recommendations, unchecked } = await dependencies.recommend(caller.person, { correlationId });
      const value = recommendations.map(present);
      return { ok: true, status: 200, body: { value, unchecked, securityAdminRules: 'not-checked' } };
    }),
  };
}

function present({ machine, exposed, ports }: Recommendation): Record<string, unknown> {
  const { id, osType, location } = machine;
  const [, group = ''] = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)\//i.exec(id) ?? [];
  const name = id.slice(id.lastIndexOf('/') + 1);
  return {
    virtualMachine: { id, ...(osType === undefined ? {} : { osType }) },
    exposedPorts: exposed,
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
