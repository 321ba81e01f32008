/** The result of a call, or its error. One part of a page may fail while the others are shown. */
export type Answered<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown };

/** Waits for a call, and keeps its error. */
export async function told<T>(promise: Promise<T>): Promise<Answered<T>> {
  try {
    return { ok: true, value: await promise };
  } catch (error) {
    return { ok: false, error };
  }
}
