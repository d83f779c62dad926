/** Azure takes a GUID to find all calls of one undertaking by; `id` is 32 hexadecimal digits. */
export function guidOf(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
