/** The form in which ARM ids are compared: ASCII letters in lower case, everything else as it is. */
export function canonicalId(id: string): string {
  return id.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The id of the subscription that an ARM id lies in, in the form in which ids are compared; empty if it names none. */
export function subscriptionOf(id: string): string {
  return /^\/subscriptions\/([^/]+)/.exec(canonicalId(id))?.[1] ?? '';
}
