import { createHash } from 'node:crypto';
import type { AccessRequest, LiveRow } from '../../src/core/accessRequest.ts';
import type { BaselineRow } from '../../src/core/baseline.ts';
import type { UnsealedAuditRecord } from '../../src/core/auditRecord.ts';
import { enterState } from '../../src/core/journal.ts';
import type { Policy } from '../../src/core/policy.ts';
import { policyFor } from '../support/policyFor.ts';

export const alice = '11111111-1111-4111-8111-111111111111';
export const bob = '22222222-2222-4222-8222-222222222222';

const group = '/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/Contoso-Prod/providers';

/** An ARM id with capitals, as Azure spells them. */
export function vmId(name: string): string {
  return `${group}/Microsoft.Compute/virtualMachines/${name}`;
}

export function nsgId(name: string): string {
  return `${group}/Microsoft.Network/networkSecurityGroups/${name}`;
}

/** An id as requests have them: the same for the same text. */
export function requestId(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** A request that is being opened, with one journal entry. */
export function sampleRequest(name: string, changes: Partial<AccessRequest> = {}): AccessRequest {
  const start = '2026-11-23T08:00:00.000Z';
  return {
    id: requestId(name),
    state: 'opening',
    version: 1,
    requester: {
      objectId: alice,
      tenantId: '99999999-9999-4999-8999-999999999999',
      displayName: 'Alice Ögren',
    },
    virtualMachines: [
      {
        id: vmId('Web-1'),
        ports: [{ number: 22, protocol: 'Tcp', allowedSourceAddressPrefixes: ['203.0.113.7/32'] }],
      },
    ],
    targets: [
      {
        nsgId: nsgId('Web-Nsg'),
        boxes: [
          {
            protocol: 'Tcp',
            sourceAddressPrefixes: ['203.0.113.7/32'],
            destinationAddressPrefixes: ['10.0.0.4/32'],
            destinationPorts: [22],
          },
        ],
      },
    ],
    duration: 'PT1H',
    justification: 'Disk is full, 😀 "quotes" and \\ and a lone \ud800 half',
    requestedAt: start,
    start,
    end: '2026-11-23T09:00:00.000Z',
    decision: { outcome: 'granted', reasons: [], policies: ['web'] },
    outcome: 'failed',
    correlationId: 'c0ffee00-0000-4000-8000-000000000000',
    instance: requestId(name),
    nextDue: start,
    journal: [{ number: 1, event: 'opening', at: start, actor: alice, reasons: [] }],
    recorded: 0,
    bodyHash: 'b0d1',
    ...changes,
  };
}

/** The same request after its whole life: four journal entries. */
export function endedRequest(name: string, changes: Partial<AccessRequest> = {}): AccessRequest {
  const by = (minute: string) => ({
    at: new Date(`2026-11-23T${minute}:00.000Z`),
    actor: 'sallyport',
    reasons: [{ code: 'ended' as const, message: 'The time is over.' }],
  });
  const active = enterState(sampleRequest(name, changes), 'active', by('08:01'));
  return enterState(enterState(active, 'closing', by('09:00')), 'closed', by('09:01'));
}

/** As many machines and ports as one request may hold. */
export function largeRequest(name: string): AccessRequest {
  const prefixes = Array.from({ length: 10 }, (_, index) => `203.0.113.${index * 2}/32`);
  const ports = Array.from({ length: 20 }, (_, index) => ({
    number: 1000 + index,
    protocol: 'Tcp' as const,
    allowedSourceAddressPrefixes: prefixes,
  }));
  return sampleRequest(name, {
    virtualMachines: Array.from({ length: 10 }, (_, index) => ({ id: vmId(`Web-${index}`), ports })),
    targets: Array.from({ length: 10 }, (_, index) => ({
      nsgId: nsgId(`Web-${index}`),
      boxes: ports.map(({ number }) => ({
        protocol: 'Tcp' as const,
        sourceAddressPrefixes: prefixes,
        destinationAddressPrefixes: [`10.0.0.${index}/32`],
        destinationPorts: [number],
      })),
    })),
  });
}

export function sampleLiveRow(nsg: string, request: string, changes: Partial<LiveRow> = {}): LiveRow {
  return {
    nsgId: nsgId(nsg),
    requestId: requestId(request),
    version: 1,
    state: 'opening',
    start: '2026-11-23T08:00:00.000Z',
    end: '2026-11-23T09:00:00.000Z',
    boxes: sampleRequest(request).targets.flatMap(({ boxes }) => boxes),
    ...changes,
  };
}

/** The baseline of a machine with an address of each family. */
export function sampleBaseline(nsg: string, vm: string, changes: Partial<BaselineRow> = {}): BaselineRow {
  return {
    nsgId: nsgId(nsg),
    virtualMachineId: vmId(vm),
    version: 1,
    state: 'standing',
    boxes: ['10.0.0.4/32', '2001:db8:1::4/128'].map((address) => ({
      protocol: 'Tcp',
      sourceAddressPrefixes: ['Internet'],
      destinationAddressPrefixes: [address],
      destinationPorts: [22, 3389],
    })),
    causes: [
      {
        policyId: 'web',
        version: 3,
        ports: [
          { number: 22, protocol: 'Tcp' },
          { number: 3389, protocol: 'Tcp' },
        ],
        source: { kind: 'internet' },
      },
    ],
    ...changes,
  };
}

/** A policy of this id, for Web-1 unless the changes say otherwise. */
export function samplePolicy(id: string, changes: Partial<Policy> = {}): Policy {
  return policyFor(
    id,
    vmId('Web-1'),
    [
      {
        number: 22,
        protocol: 'Tcp',
        allowedSourceAddressPrefixes: ['203.0.113.0/24', '2001:db8::/32'],
        maxRequestAccessDuration: 'PT3H',
      },
    ],
    changes,
  );
}

/** What a request of Alice's for one machine leaves in the audit at an instant. */
export function sampleRecord(
  partition: string,
  at: string,
  changes: Partial<UnsealedAuditRecord> = {},
): UnsealedAuditRecord {
  return {
    partition,
    event: 'request.opening',
    at,
    actor: alice,
    requester: { objectId: alice, displayName: 'Alice' },
    virtualMachines: sampleRequest(partition).virtualMachines,
    reasons: [],
    correlationId: 'c0ffee00-0000-4000-8000-000000000000',
    ...changes,
  };
}
