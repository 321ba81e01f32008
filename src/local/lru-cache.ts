/** A cache of recently used values, up to a total size. */
export interface LruCache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value): void;
  delete(key: string): void;
  clear(): void;
}

/**
 * Makes a cache with two generations. A value that is used moves to the young generation. When that exceeds half of the limit,
 * the old generation is dropped, and the young one becomes the old one. This costs less than a list in the order of use.
 * @param limit the size of all values together
 * @param sizeOf a value's size, in the unit of `limit`
 */
export function createLruCache<Value>(limit: number, sizeOf: (value: Value) => number): LruCache<Value> {
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
