import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { expect } from 'vitest';
import { mysqlAlternatingUsers, mysql as mysqlRotator } from '../../../rotators/mysql/index.ts';
import type { SecretFields } from '../../../src/index.ts';
import { type Flavour, type MysqlServer, startMysql } from '../../support/mysql-server.ts';
import { type RotationFixture, startFixture } from '../../support/rotation-fixture.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

export const newName = (): string => `app ${randomBytes(4).toString('hex')}`;
export const newPassword = (): string => `Aa1'"\\${randomBytes(12).toString('hex')}`;

/** The tag of a secret whose user rotates alone. */
export const singleTags = { 'keyturn:rotator': 'mysql' };

/** A real server, and a Secrets Manager with a function that has both rotators. */
export interface World {
  readonly server: MysqlServer;
  readonly fixture: RotationFixture;
  opens(login: object): Promise<boolean>;
  secretOf(login: object): SecretFields;
  /** Stores the server's admin. @returns the ARN */
  adminArn(): Promise<string>;
  /** @param rest what follows the password in CREATE USER */
  createUser(account?: { user?: string; host?: string; rest?: string; password?: string }): Promise<Login>;
  /** All values of the secret, the oldest first. */
  rotateTimes(arn: string, times: number): Promise<SecretFields[]>;
  stop(): Promise<void>;
}

export async function startWorld(flavour: Flavour, settings: readonly string[] = []): Promise<World> {
  const server = await startMysql(flavour, settings);
  const { host, port, ca } = server;
  const options = { ca: () => ca };
  const fixture = await startFixture({ rotators: [mysqlRotator(options), mysqlAlternatingUsers(options)] });
  const secretOf = (login: object): SecretFields => ({ engine: flavour, host, port, ...login });
  return {
    server,
    fixture,
    secretOf,
    opens: async (login) => {
      const [user, password] = [Reflect.get(login, 'username'), Reflect.get(login, 'password')].map(String);
      for (let looks = 1; ; looks += 1) {
        try {
          await (await mysql.createConnection({ host, port, user, password, ssl: { ca } })).end();
          return true;
        } catch (error) {
          // ER_USER_LIMIT_REACHED: the server has not noticed yet that the connection before has ended.
          if (Reflect.get(Object(error), 'errno') !== 1226 || looks === 50) return false;
          await sleep(100);
        }
      }
    },
    adminArn: () => fixture.createSecret(secretOf(server.admin)),
    createUser: async ({ user = newName(), host: from = '%', rest = '', password = newPassword() } = {}) => {
      await server.run(`CREATE USER ?@? IDENTIFIED BY ? ${rest}`, [user, from, password]);
      return { username: user, password };
    },
    rotateTimes: async (arn, times) => {
      const values = [await fixture.read(arn)];
      for (let time = 0; time < times; time += 1) {
        expect(await fixture.rotate(arn)).toBeUndefined();
        values.push(await fixture.read(arn));
      }
      return values;
    },
    stop: async () => {
      await fixture.close();
      await server.stop();
    },
  };
}
