import type { AccessView, PermissionView, StatementView } from '../../local/access/explain.ts';
import type { Answered } from '../answered.ts';
import { html } from '../library.ts';
import { shortPrincipal } from './layout.ts';
import { capital, type Html, problem, text, type View } from './parts.ts';

/** The calls that can be asked about. */
export const askableCalls = [
  'GetSecretValue',
  'DescribeSecret',
  'GetResourcePolicy',
  'PutSecretValue',
  'UpdateSecret',
  'RotateSecret',
  'CancelRotateSecret',
  'UpdateSecretVersionStage',
  'ListSecretVersionIds',
  'PutResourcePolicy',
  'DeleteResourcePolicy',
  'TagResource',
  'UntagResource',
  'ReplicateSecretToRegions',
  'RemoveRegionsFromReplication',
  'DeleteSecret',
  'RestoreSecret',
  'ListSecrets',
  'GetRandomPassword',
] as const;

/** One of {@link askableCalls}. */
export type AskableCall = (typeof askableCalls)[number];

/** The calls that are not about one secret. */
export const callsWithoutSecret: ReadonlySet<string> = new Set(['ListSecrets', 'GetRandomPassword']);

/** What was asked, and the answer. */
export interface WhoMayParts {
  readonly principal: string;
  readonly call: AskableCall;
  readonly secret: string;
  readonly answer: Answered<AccessView> | undefined;
  readonly principals: readonly string[];
  readonly secrets: readonly string[];
}

/** Who may do what, and which statement of which policy decides. */
export function whoMayPage(view: View, parts: WhoMayParts): Html {
  const { principal, call, secret, answer, principals, secrets } = parts;
  return html`<div class="headline"><h1>Who may</h1></div>
<form class="ask" method="get" action="${view.base}/who-may">
<div class="field"><label for="principal">Who</label><select id="principal" name="principal">${principals.map((arn) => html`<option value="${arn}" ${arn === principal ? html`selected` : ''}>${text(shortPrincipal(arn, principals))}</option>`)}</select></div>
<div class="field"><label for="call">may</label><select id="call" name="call">${askableCalls.map((name) => html`<option ${name === call ? html`selected` : ''}>${name}</option>`)}</select></div>
<div class="field wide"><label for="secret">on</label><input id="secret" name="secret" list="secrets" value="${secret}" autocomplete="off" spellcheck="false" placeholder="The name of a secret"><datalist id="secrets">${secrets.map((name) => html`<option value="${text(name)}"></option>`)}</datalist></div>
<button class="button primary">Find out</button></form>
${answer === undefined ? html`<div class="empty large"><p><strong>Choose a principal, a call and a secret.</strong></p><p>The answer says which statement of which policy decides, by the same evaluation that this Secrets Manager enforces.</p></div>` : answer.ok ? answerView(answer.value, call, secret, principals) : problem(answer.error)}`;
}

function answerView(
  { principal, allowed, permissions }: AccessView,
  call: string,
  secret: string,
  principals: readonly string[],
): Html {
  const refused = permissions.filter((permission) => !permission.allowed);
  const on = callsWithoutSecret.has(call) ? '' : ` on ${secret}`;
  return html`<section class="answer ${allowed ? 'good' : 'bad'}" aria-live="polite"><h2><span class="badge ${allowed ? 'good' : 'bad'}">${allowed ? 'Allowed' : 'Denied'}</span> ${text(shortPrincipal(principal, principals))} ${allowed ? 'may' : 'may not'} ${call}${text(on)}</h2>
<p>${allowed ? 'Every permission that the call needs is allowed, and nothing denies one.' : refused.map(({ action, reason }) => html`<code>${action}</code> is refused ${text(reason ?? '')}. `)}</p></section>
${permissions.map(permissionView)}`;
}

function permissionView({ action, resource, allowed, decisive, others }: PermissionView): Html {
  return html`<section class="card"><header><h2><code>${text(action)}</code></h2><span class="badge ${allowed ? 'good' : 'bad'}">${allowed ? 'Allowed' : 'Denied'}</span></header><p class="soft resource">on ${text(resource)}</p>
<h3>${decisive.length === 1 ? 'The statement that decides' : 'The statements that decide'}</h3>
${decisive.length === 0 ? html`<p>There is none. Whatever nothing allows is denied.</p>` : decisive.map((statement) => statementView(statement, true))}
${others.length === 0 ? '' : html`<h3>The others</h3>${others.map((statement) => statementView(statement, false))}`}</section>`;
}

function statementView(
  { policy, number, sid, effect, json, matches, misses }: StatementView,
  isDecisive: boolean,
): Html {
  const why = matches ? 'is about this call' : `is about ${misses.join(', ') || 'something else'}`;
  return html`<details class="statement ${effect === 'Deny' ? 'deny' : 'allow'}" ${isDecisive ? html`open` : ''}><summary><span class="chip ${effect === 'Deny' ? 'deny' : 'allow'}">${effect}</span> ${text(capital(policy))}, statement ${number}${sid === undefined ? '' : html` <code>${text(sid)}</code>`} <span class="soft">${why}</span></summary><pre tabindex="0"><code>${text(json)}</code></pre></details>`;
}
