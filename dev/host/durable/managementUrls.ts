export interface UrlParts {
  baseUrl: string;
  hubName: string;
  systemKey: string;
}

/** The management URLs of an instance. Whoever has one has the system key: full control over every orchestration. */
export function managementUrls({ baseUrl, hubName, systemKey }: UrlParts, id: string) {
  const instance = `${baseUrl}/instances/${encodeURIComponent(id)}`;
  const query = `taskHub=${hubName}&connection=Storage&code=${systemKey}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** The text of a `durableClient` input binding. */
export function clientBinding(parts: UrlParts & { rpcBaseUrl: string }): string {
  const create = `${parts.baseUrl}/orchestrators/{functionName}[/{instanceId}]`;
  const wait = 'timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}';
  return JSON.stringify({
    taskHubName: parts.hubName,
    connectionName: null,
    creationUrls: {
      createNewInstancePostUri: `${create}?code=${parts.systemKey}`,
      createAndWaitOnNewInstancePostUri: `${create}?${wait}&code=${parts.systemKey}`,
    },
    managementUrls: managementUrls(parts, 'INSTANCEID'),
    baseUrl: parts.baseUrl,
    requiredQueryStringParameters: `code=${parts.systemKey}`,
    rpcBaseUrl: parts.rpcBaseUrl,
    ...{ httpBaseUrl: null, maxGrpcMessageSizeInBytes: null, grpcHttpClientTimeout: null },
  });
}
