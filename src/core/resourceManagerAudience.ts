/** Who takes tokens for Azure Resource Manager, in each of Azure's clouds, and the id of its application. */
const audiences: ReadonlySet<string> = new Set([
  'https://management.azure.com',
  'https://management.core.windows.net',
  'https://management.usgovcloudapi.net',
  'https://management.core.usgovcloudapi.net',
  'https://management.chinacloudapi.cn',
  'https://management.core.chinacloudapi.cn',
  'https://management.microsoftazure.de',
  'https://management.core.cloudapi.de',
  '797f4846-ba00-4fd7-ba43-dac1f8f63013',
]);

/** Whether a token for this audience acts on Azure itself: nobody but Azure must be sent one. */
export function isResourceManagerAudience(audience: string): boolean {
  return audiences.has(audience.toLowerCase().replace(/\/+$/, ''));
}
