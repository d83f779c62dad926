import type { SimulatedArm } from './simulatedArm.ts';
import { origin } from './simulatedArm.ts';
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { nsgId } from './azureState.ts';
import { foreignRule } from '../support/foreignRule.ts';
import type { VirtualTime } from './virtualTime.ts';

/** Somebody who edits the first NSG once a second: its tags, or a rule. */
export function startAdministrator(
  time: VirtualTime,
  arm: SimulatedArm,
  what: 'nothing' | 'tags' | 'rules',
): { edits(): number; stop(): void } {
  let count = 0;
  let cancel = what === 'nothing' ? () => undefined : time.after(1000, edit);

  function edit(): void {
    cancel = time.after(1000, edit);
    void send().then((status) => {
      if (status < 300) count += 1;
    });
  }

  async function send(): Promise<number> {
    const path = what === 'tags' ? nsgId(0) : `${nsgId(0)}/securityRules/foreign-edited`;
    const tagged = { tags: { edited: String(count) } };
    const ruled = foreignRule('foreign-edited', 3900, { destinationPortRange: String(9000 + count) });
    const { status } = await arm.httpClient.sendRequest(
      createPipelineRequest({
        url: `${origin}${path}?api-version=2025-05-01`,
        method: what === 'tags' ? 'PATCH' : 'PUT',
        headers: createHttpHeaders({ authorization: 'Bearer somebody', 'user-agent': 'administrator' }),
        body: JSON.stringify(what === 'tags' ? tagged : ruled),
      }),
    );
    return status;
  }

  return { edits: () => count, stop: () => cancel() };
}
