import type { EvaluationResult, RequestAnalysis, Simulation } from '@cloud-copilot/iam-simulate';
import { missing } from '../../optional-package.ts';
import { knownContext, knownPolicy } from './condition-keys.ts';
import { knownAction, policyFor } from './newer-actions.ts';
import type { ConditionContext, KnownPrincipal, PolicyJson } from './principals.ts';

/** One thing that a principal wants to do. */
export interface AccessRequest {
  /** Such as `secretsmanager:GetSecretValue`. */
  readonly action: string;
  /** An ARN, or `*` for actions on no resource. */
  readonly resource: string;
  /** The account of the resource. */
  readonly accountId: string;
  readonly context: ConditionContext;
  /** The resource's own policy. */
  readonly policy?: PolicyJson | undefined;
}

/** Answers undefined if policies allow a request. Else it answers why not, in AWS's words: `with an explicit deny in ...`. */
export type Decide = (principal: KnownPrincipal, request: AccessRequest) => Promise<string | undefined>;

/**
 * Loads the library that evaluates policies.
 * @throws DriverMissing if it is not installed
 */
export async function loadDecide(): Promise<Decide> {
  const explain = await loadExplain();
  return async (principal, request) => (await explain(principal, request)).reason;
}

/** What policies say of a request, and why. */
export interface Explanation {
  /** Why it is not allowed, in AWS's words. Undefined if it is. */
  readonly reason: string | undefined;
  readonly analysis: RequestAnalysis | undefined;
}

/** Evaluates the policies of a request, with the reasons. @throws Error for a policy that can't be evaluated */
export type Explain = (principal: KnownPrincipal, request: AccessRequest) => Promise<Explanation>;

/**
 * Loads the library that evaluates policies.
 * @throws DriverMissing if it is not installed
 */
export async function loadExplain(): Promise<Explain> {
  const { runSimulation } = await loadSimulator();
  return async (principal, request) => {
    const outcome = await runSimulation(simulationOf(principal, request), {});
    if (outcome.resultType === 'error') {
      throw new Error(`A policy can't be evaluated for ${principal.arn}: ${JSON.stringify(outcome.errors)}`);
    }
    const analysis = outcome.resultType === 'single' ? outcome.result.analysis : outcome.results[0]?.analysis;
    const isAllowed = outcome.overallResult === 'Allowed';
    return { reason: isAllowed ? undefined : reasonOf(analysis, request.action), analysis };
  };
}

async function loadSimulator() {
  try {
    return await import('@cloud-copilot/iam-simulate');
  } catch (error) {
    return missing('@cloud-copilot/iam-simulate')(error);
  }
}

function simulationOf(principal: KnownPrincipal, request: AccessRequest): Simulation {
  const { policies = [], permissionsBoundary, sessionPolicy } = principal;
  const known = (policy: PolicyJson): PolicyJson => knownPolicy(policyFor(request.action, policy));
  return {
    request: {
      principal: principal.arn,
      action: knownAction(request.action),
      resource: { resource: request.resource, accountId: request.accountId },
      contextVariables: knownContext({ ...request.context, ...principal.context }),
    },
    identityPolicies: policies.map((policy, index) => ({
      name: `policy ${index + 1}`,
      policy: known(policy),
    })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(request.policy && { resourcePolicy: known(request.policy) }),
    ...(permissionsBoundary && {
      permissionBoundaryPolicies: [{ name: 'permissions boundary', policy: known(permissionsBoundary) }],
    }),
    ...(sessionPolicy && { sessionPolicy: known(sessionPolicy) }),
  };
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function reasonOf(analysis: RequestAnalysis | undefined, action: string): string {
  const denial = kindsOf(analysis).find(({ result }) => result === 'ExplicitlyDenied');
  if (denial) return `with an explicit deny in ${denial.article} ${denial.kind}`;
  return `because no ${silentKind(analysis)} allows the ${action} action`;
}

/** The kind of policy that had to allow the request, and didn't. */
function silentKind(analysis: RequestAnalysis | undefined): string {
  if (analysis?.identityAnalysis?.result !== 'Allowed') return 'identity-based policy';
  const limit = kindsOf(analysis).find(({ limits, result }) => limits && result === 'ImplicitlyDenied');
  return limit?.kind ?? 'resource-based policy';
}

interface PolicyKind {
  readonly article: 'a' | 'an';
  readonly kind: string;
  /** Whether it only limits what other policies allow. */
  readonly limits: boolean;
  readonly result: EvaluationResult | string | undefined;
}

function kindsOf(analysis: RequestAnalysis | undefined): PolicyKind[] {
  const result = {
    identity: analysis?.identityAnalysis?.result,
    resource: analysis?.resourceAnalysis?.result,
    boundary: analysis?.permissionBoundaryAnalysis?.result,
    session: analysis?.sessionAnalysis?.result,
  };
  return [
    { article: 'an', kind: 'identity-based policy', limits: false, result: result.identity },
    { article: 'a', kind: 'resource-based policy', limits: false, result: result.resource },
    { article: 'a', kind: 'permissions boundary', limits: true, result: result.boundary },
    { article: 'a', kind: 'session policy', limits: true, result: result.session },
  ];
}
