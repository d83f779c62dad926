/** A mistake of the user's (a setting, a missing build, a taken port) that one line of text explains. */
export class HostError extends Error {
  override readonly name = 'HostError';
}
