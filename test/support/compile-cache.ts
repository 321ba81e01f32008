const { NODE_COMPILE_CACHE } = process.env;

/**
 * For the environment of a process of Node.js that gets none of this process's variables. The cache of compiled code, if
 * there is one, makes its start three times as fast.
 */
export const compileCache: Readonly<Record<string, string>> =
  NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
