import type { Associations } from './associations.ts';
import type { ErrorDetail } from './errors.ts';
import type { JsonObject, Resource } from './resource.ts';

export interface Lock {
  name: string;
  scope: string;
  level: 'CanNotDelete' | 'ReadOnly';
}

/** Rights given without a role, as the permissions API shows them; `*` as the principal means every caller. */
export interface Permission {
  principalId: string;
  scope: string;
  actions: string[];
  notActions: string[];
}

/** People or groups in a group; assignments to it are theirs too. */
export interface Group {
  id: string;
  displayName: string;
  members: string[];
}

export interface RoleAssignment {
  name: string;
  /** May be above every subscription: `/`, or the id of a management group. */
  scope: string;
  /** GUID of the role. */
  role: string;
  principalId: string;
  principalType: 'User' | 'Group' | 'ServicePrincipal';
  condition?: string | undefined;
}

/** As the API shows it, in a role definition and in a deny assignment. */
export interface RolePermission {
  actions: string[];
  notActions: string[];
  dataActions: string[];
  notDataActions: string[];
}

export interface RoleDefinition {
  name: string;
  roleName: string;
  type: 'BuiltInRole' | 'CustomRole';
  permissions: RolePermission[];
  assignableScopes: string[];
}

export interface DenyAssignment {
  name: string;
  denyAssignmentName: string;
  scope: string;
  permissions: RolePermission[];
  doNotApplyToChildScopes: boolean;
  principals: { id: string; type: string }[];
  excludePrincipals: { id: string; type: string }[];
  condition?: string | undefined;
}

/** Who may do what, as Azure RBAC has it. */
export interface Access {
  groups: Group[];
  roleAssignments: RoleAssignment[];
  roleDefinitions: RoleDefinition[];
  denyAssignments: DenyAssignment[];
}

/** What Virtual Network Manager has deployed to one network: rules as its API answers them. */
export interface SecurityAdminRulesOfNetwork {
  virtualNetworkId: string;
  rules: JsonObject[];
}

/** Everything that the simulator knows of Azure at one instant. */
export interface World extends Access {
  tenantId: string;
  subscriptions: { subscriptionId: string; displayName: string }[];
  resourceGroups: { id: string; name: string; location: string }[];
  resources: Map<string, Resource>;
  locks: Lock[];
  permissions: Permission[];
  securityAdminRules: SecurityAdminRulesOfNetwork[];
  operations: Map<string, Operation>;
  running: Set<Operation>;
  associations: Associations;
}

export type OperationName =
  | 'PutSecurityRuleOperation'
  | 'DeleteSecurityRuleOperation'
  | 'PutNetworkSecurityGroupOperation'
  | 'DeleteNetworkSecurityGroupOperation'
  | 'GetEffectiveNetworkSecurityGroupsOperation';

export interface Operation {
  id: string;
  name: OperationName;
  subscriptionId: string;
  location: string;
  /** The NSG (or interface) whose state the end of the operation changes. */
  target: string;
  status: 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';
  /** Milliseconds of the simulator's clock. */
  dueAt: number;
  /** How it will end, unless another operation supersedes it first. */
  ending: 'Succeeded' | 'Failed' | 'Canceled';
  /** How many polls have been answered with InProgress: Retry-After grows with it. */
  polls: number;
  error?: { code: string; message: string; details: ErrorDetail[] };
  /** What the Location of a POST will answer. */
  result?: unknown;
}
