/**
 * The names by which Durable knows our functions. Shared by registration and call: a name that is not registered hangs
 * the real engine for ever, silently. The version in the orchestrator's name is frozen once published.
 */
export const grantOrchestratorName = 'grant-v1';
export const stepActivityName = 'grant-step-v1';
export const ringEventName = 'ring';
export const policyOrchestratorName = 'policy-v1';
export const policyStepActivityName = 'policy-step-v1';
