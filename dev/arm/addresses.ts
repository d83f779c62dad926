import ipaddr from 'ipaddr.js';

/** Service tags that a rule's singular address field may name, lower-cased. Not Azure's full list. */
const TAGS = new Set(
  (
    'VirtualNetwork AzureLoadBalancer Internet ActionGroup ApiManagement AppConfiguration AppService ' +
    'AppServiceManagement AzureActiveDirectory AzureActiveDirectoryDomainServices AzureArcInfrastructure ' +
    'AzureBackup AzureBotService AzureCloud AzureConnectors AzureContainerRegistry AzureCosmosDB AzureDatabricks ' +
    'AzureDevOps AzureEventGrid AzureFrontDoor.Backend AzureFrontDoor.Frontend AzureFrontDoor.FirstParty ' +
    'AzureIoTHub AzureKeyVault AzureMonitor AzurePlatformDNS AzurePlatformIMDS AzurePlatformLKM ' +
    'AzureResourceManager AzureSecurityCenter AzureSiteRecovery AzureTrafficManager AzureUpdateDelivery ' +
    'BatchNodeManagement CognitiveServicesManagement DataFactory EventHub GatewayManager GuestAndHybridManagement ' +
    'HDInsight LogicApps MicrosoftCloudAppSecurity MicrosoftContainerRegistry PowerBI ServiceBus ServiceFabric ' +
    'Sql SqlManagement Storage StorageSyncService WindowsVirtualDesktop'
  )
    .toLowerCase()
    .split(' '),
);

/** Whether it is `*` or a service tag, with or without a region (`Storage.WestEurope`). */
export function isTag(value: string): boolean {
  const lower = value.toLowerCase();
  return (
    lower === '*' ||
    TAGS.has(lower) ||
    (/^[a-z]+\.[a-z0-9]+$/.test(lower) && TAGS.has(lower.slice(0, lower.indexOf('.'))))
  );
}

export interface Network {
  family: 'ipv4' | 'ipv6';
  text: string;
  first: bigint;
  last: bigint;
}

/** An address or CIDR as a range; undefined for anything else, host bits that are set included. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  if (rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return undefined;
  // The library also reads 10.1 and 0x0a000001, which Azure refuses.
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined;
  if (address.includes('%')) return undefined;
  const parsed = ipaddr.parse(address);
  const bits = parsed.kind() === 'ipv4' ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (length > bits) return undefined;
  const first = parsed.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const size = 1n << BigInt(bits - length);
  if (first % size !== 0n) return undefined;
  return { family: parsed.kind(), text, first, last: first + size - 1n };
}

/** The first two of the networks that share an address, in the order of their addresses. */
export function overlapping(networks: Network[]): [Network, Network] | undefined {
  const sorted = [...networks].sort((a, b) =>
    a.family !== b.family
      ? a.family < b.family
        ? -1
        : 1
      : a.first < b.first
        ? -1
        : a.first > b.first
          ? 1
          : 0,
  );
  let previous = sorted[0];
  for (const network of sorted.slice(1)) {
    if (previous?.family === network.family && network.first <= previous.last) return [previous, network];
    previous = network;
  }
  return undefined;
}
