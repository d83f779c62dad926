import type { Protocol } from './accessRequest.ts';
import { familyOf, type Family } from './address.ts';
import type { BaselineBox, BaselineCause } from './baseline.ts';
import { commonPrefixes, complement } from './complement.ts';

/** From whom one port is to be kept shut, by everything that wants it shut. */
interface Refused {
  internet: boolean;
  /** Everybody but these; left out where nobody wants everybody kept out. */
  except?: string[];
}

/**
 * What keeps the ports of these causes shut at these addresses, as few cross products as exactness allows, always in
 * the same order. Where several causes name a port, what any of them refuses is refused. `addresses` are canonical
 * prefixes of single addresses.
 */
export function baselineBoxes(
  causes: readonly Pick<BaselineCause, 'ports' | 'source'>[],
  addresses: readonly string[],
): BaselineBox[] {
  const refused = refusedPorts(causes);
  const boxes = new Map<string, BaselineBox>();
  for (const family of ['IPv4', 'IPv6'] as const) {
    const destinations = [...new Set(addresses)].filter((address) => familyOf(address) === family).sort();
    if (destinations.length === 0) continue;
    for (const { number, protocol, from } of refused) {
      for (const sources of sourcesOf(from, family)) {
        const key = JSON.stringify([protocol, family, sources]);
        const box = boxes.get(key);
        if (box !== undefined) box.destinationPorts.push(number);
        else {
          boxes.set(key, {
            protocol,
            sourceAddressPrefixes: sources,
            destinationAddressPrefixes: destinations,
            destinationPorts: [number],
          });
        }
      }
    }
  }
  return [...boxes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, box]) => box);
}

function refusedPorts(
  causes: readonly Pick<BaselineCause, 'ports' | 'source'>[],
): { number: number; protocol: Protocol; from: Refused }[] {
  const byPort = new Map<number, Map<Protocol, Refused>>();
  for (const { ports, source } of causes) {
    for (const { number, protocol } of ports) {
      const protocols = byPort.get(number) ?? new Map<Protocol, Refused>();
      byPort.set(number, protocols);
      const { internet, except } = protocols.get(protocol) ?? { internet: false };
      const both =
        source.kind !== 'everybody'
          ? except
          : // What only one of them excepts, the other refuses.
            except === undefined
            ? commonPrefixes(source.except, source.except)
            : commonPrefixes(source.except, except);
      protocols.set(protocol, {
        internet: internet || source.kind === 'internet',
        ...(both === undefined ? {} : { except: both }),
      });
    }
  }
  return [...byPort]
    .sort(([a], [b]) => a - b)
    .flatMap(([number, protocols]) => {
      const ofAll = protocols.get('*');
      return [...protocols].flatMap(([protocol, from]) =>
        protocol !== '*' && ofAll !== undefined && covers(ofAll, from) ? [] : [{ number, protocol, from }],
      );
    });
}

/** Whether the one surely refuses what the other does; not told, it costs one rule that changes nothing. */
function covers(one: Refused, other: Refused): boolean {
  if (one.except?.length === 0) return true;
  const coversExcept = other.except === undefined || one.except?.join() === other.except.join();
  return coversExcept && (one.internet || !other.internet);
}

/** The sources of one family, one list for each box: a tag or `*` stands alone. */
function sourcesOf({ internet, except }: Refused, family: Family): string[][] {
  const excepted = except?.filter((prefix) => familyOf(prefix) === family);
  if (excepted?.length === 0) return [['*']];
  const rest = excepted === undefined ? [] : complement(family, excepted);
  return [...(internet ? [['Internet']] : []), ...(rest.length === 0 ? [] : [rest])];
}
