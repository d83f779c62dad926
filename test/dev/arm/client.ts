import { readFileSync } from 'node:fs';
import type { ArmOptions, RunningArm } from '../../../dev/arm/server.ts';
import { startArm } from '../../../dev/arm/server.ts';

export const SUBSCRIPTION = '11111111-2222-3333-4444-555555555555';
const ROOT = `/subscriptions/${SUBSCRIPTION}`;
export const WEB_GROUP = `${ROOT}/resourceGroups/Contoso-Web-RG`;
export const WEB_NSG = `${WEB_GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg-web`;
export const NEW_NSG = `${WEB_GROUP}/providers/Microsoft.Network/networkSecurityGroups/nsg-new`;

export interface Json {
  [key: string]: Json;
  [index: number]: Json;
}

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; members that are not there are undefined at run time. */
  body: Json;
}

export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answered>;

export interface World {
  arm: RunningArm;
  send: Send;
  /** Moves the simulator's clock on. */
  pass(ms: number): void;
}

export function sample(): { resources: unknown[]; locks: unknown[]; permissions: unknown[] } {
  const file = new URL('../../../dev/sample/azure.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof sample>;
}

/** The sample over plain http, under a clock that stands still until a test moves it. */
export async function startWorld(options: Partial<ArmOptions> = {}): Promise<World> {
  let now = Date.parse('2026-11-23T09:00:00Z');
  const arm = await startArm({ state: sample(), protocol: 'http', clock: () => now, ...options });
  return { arm, send: sender(arm.url), pass: (ms) => (now += ms) };
}

/** Sends with a bearer and, unless the path has a query, with an api-version. */
export function sender(url: string): Send {
  return async (method, path, body, headers = {}) => {
    const target = path.startsWith('http') ? path : `${url}${path}`;
    const response = await fetch(target.includes('?') ? target : `${target}?api-version=2025-05-01`, {
      method,
      headers: { authorization: 'Bearer opaque', 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Json);
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
}

/** An inbound allow rule's body; name the differences. */
export function rule(properties: Record<string, unknown> = {}): { properties: Record<string, unknown> } {
  return {
    properties: {
      protocol: 'Tcp',
      sourcePortRange: '*',
      destinationPortRange: '22',
      sourceAddressPrefix: '203.0.113.7',
      destinationAddressPrefix: '10.20.1.4',
      access: 'Allow',
      priority: 100,
      direction: 'Inbound',
      ...properties,
    },
  };
}

export function names(list: Json): unknown[] {
  return (list as unknown as Json[]).map((entry) => entry['name']);
}

/** The operation URL of an accepted write. */
export function operationOf(answered: Answered): string {
  const url = answered.headers.get('azure-asyncoperation');
  if (url === null) throw new Error(`no Azure-AsyncOperation in a ${answered.status}: ${answered.text}`);
  return url;
}

/** A member that must be a string. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`not a string: ${JSON.stringify(value)}`);
}
