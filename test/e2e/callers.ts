import { expect, vi } from 'vitest';
import { approversGroupId, type PersonName } from '../../dev/sample/people.ts';
import { runJit } from '../../scripts/jit/runJit.ts';
import { patience, type Answer, type Cloud, type Shown } from './cloud.ts';

/** The office's address in the sample: what its policies allow. */
export const office = '203.0.113.7';

/** What a policy demands where a member of the sample's group must approve. */
export const approvedByGroup = {
  conditions: { approval: { approvers: 1, groups: [approversGroupId] } },
  baseline: { kind: 'none' },
};

/** Puts a policy for one Tcp port of a machine, from the office and for an hour, as erin; expects 200. */
export async function putPolicy(
  cloud: Cloud,
  name: string,
  { vm, number, ...content }: { vm: string; number: number; conditions?: object; baseline: object },
): Promise<void> {
  const port = {
    ...{ number, protocol: 'Tcp', maxRequestAccessDuration: 'PT1H' },
    allowedSourceAddressPrefixes: ['203.0.113.0/24'],
  };
  const answer = await cloud.call('erin', 'PUT', `/api/policies/${name}`, {
    entries: [{ selector: { virtualMachineIds: [vm] }, ports: [port] }],
    ...content,
  });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

/** Asks for access from the office, whatever the answer is. */
export function ask(
  cloud: Cloud,
  person: PersonName,
  { vm, port, ...others }: { vm: string; port: number; duration?: string; start?: string },
  query = '',
): Promise<Answer> {
  return cloud.call(person, 'POST', `/api/access-requests${query}`, {
    virtualMachines: [{ id: vm, ports: [{ number: port, allowedSourceAddressPrefix: office }] }],
    ...{ duration: 'PT30M', justification: 'Ticket 4715', ...others },
  });
}

/** Status and code of an answer, in which most refusals differ. */
export function statusOf({ status, body }: Answer): [number, unknown] {
  return [status, body['code']];
}

/** Approves or denies, as this person. */
export function decide(
  cloud: Cloud,
  person: PersonName,
  id: string,
  decision: 'approve' | 'deny',
): Promise<Answer> {
  const body = { decision, comment: 'Agreed with the owner' };
  return cloud.call(person, 'POST', `/api/access-requests/${id}/decision`, body);
}

/** A request's audit records as the auditor reads those of a machine, once this event is among them. */
export function recordsWith(cloud: Cloud, vm: string, id: string, event: string) {
  return vi.waitFor(async () => {
    const { body } = await cloud.call('dave', 'GET', `/api/audit?vm=${encodeURIComponent(vm)}`);
    const records = (body['value'] as { partition: string; event: string; actor: string }[]).filter(
      ({ partition }) => partition === id,
    );
    expect(records.map((record) => record.event)).toContain(event);
    return records;
  }, patience);
}

/** The command line as this person, and what it printed last. */
export function commandLine(cloud: Cloud, person: PersonName) {
  const { host, identity } = cloud.environment.urls;
  const printed: string[] = [];
  return {
    jit: (...words: string[]) =>
      runJit([...words, '--as', person, '--json'], {
        env: { SALLYPORT_URL: host, SALLYPORT_SAMPLE_ISSUER: identity },
        print: (text) => printed.push(text),
        progress: () => undefined,
        timeZone: 'UTC',
      }),
    shown: () => JSON.parse(printed.at(-1) ?? '') as Shown & { value: Shown[] },
  };
}
