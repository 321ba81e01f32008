import { ServiceError } from '../errors.ts';

/** A resource policy that is well-formed. */
export interface PolicyDocument {
  readonly statements: readonly Statement[];
}

/** One statement of a policy. Principals and actions are as they were written, in a list. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** Undefined for NotPrincipal. */
  readonly principals: readonly Principal[] | undefined;
  /** Undefined for NotAction. */
  readonly actions: readonly string[] | undefined;
  readonly conditions: readonly Condition[];
}

/** Whom a statement is about. The type is `AWS`, `Service`, `Federated` or `CanonicalUser`. */
export interface Principal {
  readonly type: string;
  readonly id: string;
}

/** One key of a statement's Condition. */
export interface Condition {
  readonly operator: string;
  readonly key: string;
  readonly values: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

const documentMembers = ['Version', 'Id', 'Statement'];
const statementMembers = [
  ...['Sid', 'Effect', 'Condition'],
  ...['Principal', 'NotPrincipal', 'Action', 'NotAction', 'Resource', 'NotResource'],
];
const versions = ['2008-10-17', '2012-10-17'];
const actionPattern = /^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$/;
const awsPrincipalPattern =
  /^(\*|\d{12}|A[A-Z0-9]{20}|arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)\/.+))$/;
const servicePrincipalPattern = /^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$/;

/**
 * Reads a resource policy.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * @throws ServiceError MalformedPolicyDocumentException, in the words of Secrets Manager's user guide
 */
export function parsePolicy(text: string): PolicyDocument {
  const document = object(parseJson(text));
  if (Object.keys(document).some((member) => !documentMembers.includes(member))) throw syntaxError();
  if (document.Version !== undefined && !versions.includes(String(document.Version))) throw syntaxError();
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  if (statements.length === 0) throw syntaxError();
  return { statements: statements.map((statement) => parseStatement(object(statement))) };
}

function parseStatement(statement: Json): Statement {
  if (Object.keys(statement).some((member) => !statementMembers.includes(member))) throw syntaxError();
  const { Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw syntaxError();
  texts(oneOf(statement, 'Resource', 'NotResource'));
  const principals = parsePrincipals(oneOf(statement, 'Principal', 'NotPrincipal'));
  const actions = texts(oneOf(statement, 'Action', 'NotAction'));
  if (!actions.every((action) => actionPattern.test(action))) throw syntaxError();
  return {
    effect,
    principals: statement.Principal === undefined ? undefined : principals,
    actions: statement.Action === undefined ? undefined : actions,
    conditions: parseConditions(statement.Condition),
  };
}

/** The value of the one member that is there. @throws ServiceError if both are there, or none */
function oneOf(statement: Json, member: string, negation: string): unknown {
  if ((statement[member] === undefined) === (statement[negation] === undefined)) throw syntaxError();
  return statement[member] ?? statement[negation];
}

function parsePrincipals(value: unknown): Principal[] {
  if (value === '*') return [{ type: 'AWS', id: '*' }];
  if (typeof value === 'string') throw malformed('This resource policy contains an unsupported principal.');
  const principals = Object.entries(object(value)).flatMap(([type, ids]) =>
    texts(ids).map((id) => ({ type, id })),
  );
  for (const principal of principals) checkPrincipal(principal);
  return principals;
}

function checkPrincipal({ type, id }: Principal): void {
  if (type === 'Service') {
    if (servicePrincipalPattern.test(id)) return;
    throw malformed('This resource policy contains an invalid service principal.');
  }
  if (type === 'AWS' ? awsPrincipalPattern.test(id) : type === 'Federated' || type === 'CanonicalUser')
    return;
  throw malformed('This resource policy contains an unsupported principal.');
}

function parseConditions(value: unknown): Condition[] {
  if (value === undefined) return [];
  return Object.entries(object(value)).flatMap(([operator, keys]) =>
    Object.entries(object(keys)).map(([key, values]) => ({ operator, key, values: scalars(values) })),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw syntaxError();
  }
}

function object(value: unknown): Json {
  if (!isJsonObject(value)) throw syntaxError();
  return value;
}

function isJsonObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One text, or a list of them that isn't empty. */
function texts(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const found = values.filter((item) => typeof item === 'string');
  if (found.length === 0 || found.length < values.length) throw syntaxError();
  return found;
}

function scalars(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (values.some((item) => typeof item === 'object')) throw syntaxError();
  return values.map(String);
}

function syntaxError(): ServiceError {
  return malformed('This resource policy contains a syntax error.');
}

function malformed(message: string): ServiceError {
  return new ServiceError('MalformedPolicyDocumentException', message);
}
