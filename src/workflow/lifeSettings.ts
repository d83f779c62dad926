/** What an administrator may set of the life of requests. */
export interface LifeSettings {
  /** A request that needs approval and has not got it ends after so many seconds. */
  approvalSeconds: number;
}

export const defaultLifeSettings: LifeSettings = { approvalSeconds: 24 * 3600 };
