/** How much is taken from one person, and for one network security group, at a time. */
export interface Quotas {
  /** Calls of one person that ask for something, in a minute. */
  requestsPerMinute: number;
  /** Requests of one person that have not ended. */
  liveGrantsPerPerson: number;
  /** Grants that have rules in one network security group. */
  liveGrantsPerNsg: number;
}
