import { refused } from './form.ts';
import type { Leaf } from './leaves.ts';

/** `${NAME}` or `$NAME`. In braces, a default may follow the name, after a colon, a dash or another sign. */
const anywhere = /\$(?:\{([A-Za-z_][^}]{0,400})\}|([A-Za-z_]\w*))/g;
const whole = new RegExp(`^${anywhere.source}$`);

/** The names that a reference may mean. In `${db-user}` the dash begins a default, or is part of a name of Spring. */
function namesIn(inner: string): string[] {
  return [inner, inner.replace(/:.*$/s, ''), inner.replace(/[:=?+-].*$/s, '')];
}

/**
 * Follows references from one setting to another, such as `${DB_PASS}`.
 *
 * @see https://github.com/motdotla/dotenv-expand
 * @see https://docs.docker.com/reference/compose-file/interpolation/
 * @see https://docs.spring.io/spring-boot/reference/features/external-config.html#features.external-config.files.property-placeholders
 */
export interface References {
  /** The setting that a text refers to. Undefined unless the whole text is a reference to a setting of the secret. */
  target(text: unknown, scope: string): Leaf | undefined;
  /** A text with the values in place of the references. A reference to what the secret does not have stays as it is. */
  resolve(text: unknown, scope: string): unknown;
}

/** A longer chain of references is a mistake or a circle. */
const deepest = 4;

export function referencesTo(leaves: readonly Leaf[]): References {
  const byPath = new Map(leaves.map((leaf) => [leaf.path, leaf]));
  const find = (name: string, scope: string): Leaf | undefined =>
    byPath.get(scope === '' ? name : `${scope}.${name}`) ?? byPath.get(name);
  const target: References['target'] = (text, scope) => {
    let found: Leaf | undefined;
    for (let depth = 0, value = text; depth < deepest; depth += 1) {
      const [, braced, plain] = typeof value === 'string' ? (whole.exec(value) ?? []) : [];
      const next = namesIn(braced ?? plain ?? '')
        .map((name) => find(name, scope))
        .find((leaf) => leaf !== undefined);
      if (next === undefined || next === found) break;
      found = next;
      value = next.value;
    }
    return found;
  };
  const resolve: References['resolve'] = (text, scope) =>
    typeof text === 'string'
      ? text.replace(anywhere, (written) => {
          const value = target(written, scope)?.value;
          return typeof value === 'string' || typeof value === 'number' ? String(value) : written;
        })
      : text;
  return { target, resolve };
}

/** Whether a text only marks where a template's password goes: `<password>`, `{{ db_password }}`, `%s`. */
export function isPlaceholder(text: unknown): boolean {
  return (
    typeof text === 'string' &&
    /^(?:<[^<>]{1,40}>|\{\{[^{}]{1,40}\}\}|\{[\w.-]{1,40}\}|%s|%\([\w.-]{1,40}\)s|\*{3,}|\[(?:YOUR|DB|PASS)[\w-]{0,40}\])$/i.test(
      text,
    )
  );
}

/** The refusal of a user, password or host that refers to a value outside the secret. Keyturn can't write there. */
export function referenceElsewhere(
  fields: Readonly<Record<string, unknown>>,
): ReturnType<typeof refused> | undefined {
  for (const field of ['password', 'username', 'host']) {
    const value = fields[field];
    if (typeof value !== 'string' || !/^\$\{[A-Za-z_][\w.-]*(?:[:=?+-][^}]*)?\}$/.test(value)) continue;
    return refused(
      field,
      `The secret's "${field}" stands for a value that is kept elsewhere, as \${NAME} does.`,
      'Put the value itself into the secret, there or under that name.',
    );
  }
  return undefined;
}
