const shape =
  /^\/subscriptions\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/resourceGroups\/[a-z0-9_(](?:[a-z0-9_.()-]{0,88}[a-z0-9_()-])?$/i;

/** Whether it is the id of a resource group, `/subscriptions/{id}/resourceGroups/{name}`, and nothing below one. */
export function isResourceGroupId(text: string): boolean {
  return shape.test(text);
}
