/** Whether a member of a driver's error has one of these values. */
function has(error: unknown, name: string, ...values: unknown[]): boolean {
  return typeof error === 'object' && error !== null && values.includes(Reflect.get(error, name));
}

function says(error: unknown, words: RegExp): boolean {
  return error instanceof Error && words.test(error.message);
}

/** Whether a driver's error means that the credential was refused; for `isRefused` of {@link Secret.use}. */
export const refusedBy = {
  /** `pg`: invalid_password. @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
  postgres: (error: unknown): boolean => has(error, 'code', '28P01'),
  /** `mssql` and `tedious`: a failed login for any reason, since their errors don't have the server's error number. */
  sqlServer: (error: unknown): boolean => has(error, 'code', 'ELOGIN'),
  /** `mysql2`: access denied. @see https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html */
  mysql: (error: unknown): boolean => has(error, 'errno', 1045, 1698),
  /** ioredis, node-redis. @see https://redis.io/docs/latest/commands/auth/ */
  redis: (error: unknown): boolean => says(error, /^(WRONGPASS|NOAUTH|ERR invalid password)/),
  /** `mongodb`: AuthenticationFailed, and Atlas's name for it. */
  mongodb: (error: unknown): boolean =>
    has(error, 'code', 18, 8000) || (error instanceof Error && has(error.cause, 'code', 18, 8000)),
  /** HTTP: an answer, or an error with `status` or `statusCode`, of 401. */
  http: (answer: unknown): boolean => has(answer, 'status', 401) || has(answer, 'statusCode', 401),
} as const;
