import { gatewayError } from './errors.ts';
import type { Exchange, Reply } from './exchange.ts';
import { findResource } from './reads.ts';
import { idKey, isObject } from './resource.ts';

/**
 * The security admin rules of Virtual Network Manager that hold for a network, as the state has them; who made them, and by
 * which groups they reach the network, is not modelled. Pages go by `skipToken`, in the answer and in the next request's
 * body. Throws the gateway's 404 for a network that is not there.
 */
export function postSecurityAdminRules(exchange: Exchange): Reply {
  const { world, settings, body } = exchange;
  const network = findResource(exchange, 'Microsoft.Network/virtualNetworks');
  const all = world.securityAdminRules
    .filter(({ virtualNetworkId }) => idKey(virtualNetworkId) === idKey(network.id))
    .flatMap(({ rules }) => rules);
  const token = isObject(body) ? body['skipToken'] : undefined;
  const from = typeof token === 'string' ? Number(Buffer.from(token, 'base64url').toString()) : 0;
  if (!Number.isInteger(from) || from < 0) {
    throw gatewayError(400, 'InvalidSkipToken', 'The skip token is not valid.');
  }
  const until = from + settings.pageSize;
  const skipToken = Buffer.from(String(until)).toString('base64url');
  return { status: 200, body: { value: all.slice(from, until), ...(until < all.length && { skipToken }) } };
}
