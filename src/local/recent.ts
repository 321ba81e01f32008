/** Keeps what was used recently, up to a total size. */
export interface Recent<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
}

/**
 * Two generations: what is used moves to the young one; when that has its half of the size, it becomes the old one, and
 * what was in the old one and has not been used since is forgotten. That costs less than to keep a list in the order
 * of use.
 * @param limit of the sizes of all values together
 * @param sizeOf in whatever unit `limit` is
 */
export function createRecent<Value>(limit: number, sizeOf: (value: Value) => number): Recent<Value> {
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  let youngSize = 0;
  const add = (key: string, value: Value): void => {
    young.set(key, value);
    youngSize += sizeOf(value);
    if (youngSize <= limit / 2) return;
    old = young;
    young = new Map();
    youngSize = 0;
  };
  return {
    get(key) {
      const known = young.get(key);
      if (known !== undefined) return known;
      const aged = old.get(key);
      if (aged !== undefined) add(key, aged);
      return aged;
    },
    set: add,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    clear() {
      young = new Map();
      old = new Map();
      youngSize = 0;
    },
  };
}
