import { describe, expect, it } from 'vitest';
import {
  missingIn,
  type PrincipalRights,
  type State,
  statementsToFollow,
} from '../../../rotators/sqlserver/rights.ts';
import { describeSecurable, type SecurableRow } from '../../../rotators/sqlserver/securables.ts';

const table = { class: 1, classDescription: 'OBJECT_OR_COLUMN', schemaName: 'dbo', name: 'or]ders' };

function row(changes: Partial<SecurableRow>): SecurableRow {
  const nothing = { schemaName: null, name: null, columnName: null, principalType: null };
  return { class: 0, classDescription: 'DATABASE', majorId: 1, minorId: 0, ...nothing, ...changes };
}

function can(permission: string, state: State, about: Partial<SecurableRow>, direct = true) {
  return { permission, state, direct, securable: describeSecurable(row(about)) };
}

function rightsOf(
  principal: string,
  permissions: PrincipalRights['permissions'] = [],
  roles: string[] = [],
): PrincipalRights {
  return { principal, permissions, roles: roles.map((name) => ({ name, direct: true })) };
}

describe('what GRANT calls a securable', () => {
  it.each([
    [{ class: 0, name: 'd' }, 'DATABASE::[d]'],
    [table, 'OBJECT::[dbo].[or]]ders]'],
    [{ class: 3, name: 's' }, 'SCHEMA::[s]'],
    [{ class: 4, name: 'u', principalType: 'S' }, 'USER::[u]'],
    [{ class: 4, name: 'r', principalType: 'R' }, 'ROLE::[r]'],
    [{ class: 4, name: 'a', principalType: 'A' }, 'APPLICATION ROLE::[a]'],
    [{ class: 5, name: 'x' }, 'ASSEMBLY::[x]'],
    [{ class: 6, name: 't', schemaName: 's' }, 'TYPE::[s].[t]'],
    [{ class: 10, name: 'x', schemaName: 's' }, 'XML SCHEMA COLLECTION::[s].[x]'],
    [{ class: 15, name: 'm' }, 'MESSAGE TYPE::[m]'],
    [{ class: 16, name: 'c' }, 'CONTRACT::[c]'],
    [{ class: 17, name: 's' }, 'SERVICE::[s]'],
    [{ class: 18, name: 'b' }, 'REMOTE SERVICE BINDING::[b]'],
    [{ class: 19, name: 'r' }, 'ROUTE::[r]'],
    [{ class: 23, name: 'f' }, 'FULLTEXT CATALOG::[f]'],
    [{ class: 24, name: 'k' }, 'SYMMETRIC KEY::[k]'],
    [{ class: 25, name: 'c' }, 'CERTIFICATE::[c]'],
    [{ class: 26, name: 'k' }, 'ASYMMETRIC KEY::[k]'],
    [{ class: 29, name: 'l' }, 'FULLTEXT STOPLIST::[l]'],
    [{ class: 31, name: 'p' }, 'SEARCH PROPERTY LIST::[p]'],
    [{ class: 32, name: 'c' }, 'DATABASE SCOPED CREDENTIAL::[c]'],
    [{ class: 34, name: 'l' }, 'EXTERNAL LANGUAGE::[l]'],
    [{ class: 101, name: 'l', principalType: 'S' }, 'LOGIN::[l]'],
    [{ class: 101, name: 'r', principalType: 'R' }, 'SERVER ROLE::[r]'],
    [{ class: 105, name: 'e' }, 'ENDPOINT::[e]'],
  ])('names %j', (about, on) => {
    expect(describeSecurable(row(about))).toMatchObject({ on, known: true });
  });

  it('keeps numbers for what it does not know, and makes no statement for it', () => {
    const unknown = can('ALTER', 'G', { class: 99, classDescription: 'NEW_THING', majorId: 7 });
    expect(unknown.securable).toMatchObject({ known: false, label: 'NEW_THING 7.0' });
    const from = rightsOf('app', [unknown]);
    expect(statementsToFollow('database', from, rightsOf('clone'))).toEqual([]);
    expect(missingIn('database', rightsOf('clone'), from)).toEqual(['ALTER on NEW_THING 7.0']);
  });
});

describe('having one account follow another', () => {
  it('gives what is lacking, in the same state, and adds to roles', () => {
    const from = rightsOf(
      'app',
      [
        can('SELECT', 'W', table),
        can('DELETE', 'D', table),
        can('UPDATE', 'G', { ...table, columnName: 'no]te' }),
        can('SELECT', 'R', { ...table, columnName: 'salary' }),
        can('INSERT', 'G', table, false),
      ],
      ['sales'],
    );
    expect(statementsToFollow('database', from, rightsOf('it]s'))).toEqual([
      'ALTER ROLE [sales] ADD MEMBER [it]]s]',
      'GRANT SELECT ON OBJECT::[dbo].[or]]ders] TO [it]]s] WITH GRANT OPTION',
      'DENY DELETE ON OBJECT::[dbo].[or]]ders] TO [it]]s] CASCADE',
      'GRANT UPDATE ([no]]te]) ON OBJECT::[dbo].[or]]ders] TO [it]]s]',
      'REVOKE SELECT ([salary]) ON OBJECT::[dbo].[or]]ders] FROM [it]]s] CASCADE',
    ]);
  });

  it('takes off a denial that is no more, and leaves what goes beyond', () => {
    const own = rightsOf('clone', [can('SELECT', 'D', table), can('INSERT', 'G', table)], ['more']);
    expect(statementsToFollow('database', rightsOf('app'), own)).toEqual([
      'REVOKE SELECT ON OBJECT::[dbo].[or]]ders] FROM [clone] CASCADE',
    ]);
  });

  it('denies what it had granted with grant option', () => {
    const own = rightsOf('clone', [can('SELECT', 'W', table)]);
    expect(statementsToFollow('database', rightsOf('app', [can('SELECT', 'D', table)]), own)).toEqual([
      'DENY SELECT ON OBJECT::[dbo].[or]]ders] TO [clone] CASCADE',
    ]);
  });

  it('has nothing to do for one that follows already', () => {
    const from = rightsOf('app', [can('SELECT', 'G', table), can('DELETE', 'D', table)], ['sales']);
    const own = rightsOf('clone', [can('SELECT', 'W', table), can('DELETE', 'D', table)], ['sales']);
    expect(statementsToFollow('database', from, own)).toEqual([]);
    expect(missingIn('database', own, from)).toEqual([]);
  });

  it('says the server by no name, and its roles by their own words', () => {
    const from = rightsOf('app', [can('VIEW SERVER STATE', 'G', { class: 100 })], ['processadmin']);
    expect(statementsToFollow('server', from, rightsOf('clone'))).toEqual([
      'ALTER SERVER ROLE [processadmin] ADD MEMBER [clone]',
      'GRANT VIEW SERVER STATE TO [clone]',
    ]);
  });
});

describe('what one account lacks of another', () => {
  it('names roles, grants, grant options and denials', () => {
    const other = rightsOf('app', [can('SELECT', 'W', table), can('DELETE', 'D', table)], ['sales']);
    const own = rightsOf('clone', [can('SELECT', 'G', table), can('UPDATE', 'D', table)]);
    expect(missingIn('database', own, other)).toEqual([
      'membership in sales',
      'SELECT with grant option on OBJECT::[dbo].[or]]ders]',
      'freedom from the denial of UPDATE on OBJECT::[dbo].[or]]ders]',
    ]);
  });

  it('counts CONTROL, which an owner has, for every permission on the same thing', () => {
    const other = rightsOf('app', [can('SELECT', 'W', table), can('UPDATE', 'G', table)]);
    const owner = rightsOf('clone', [can('CONTROL', 'W', table)]);
    expect(missingIn('database', owner, other)).toEqual([]);
    expect(statementsToFollow('database', other, owner)).toEqual([]);
    expect(
      missingIn('database', rightsOf('clone', [can('CONTROL', 'W', { class: 3, name: 's' })]), other),
    ).toHaveLength(2);
    expect(missingIn('database', rightsOf('clone', [can('CONTROL', 'D', table)]), other)).toHaveLength(3);
  });

  it('counts what comes by a role, and needs nothing of an owner', () => {
    const other = rightsOf('app', [can('SELECT', 'G', table)]);
    expect(missingIn('database', rightsOf('clone', [can('SELECT', 'G', table, false)]), other)).toEqual([]);
    expect(missingIn('database', rightsOf('clone', [], ['db_owner']), other)).toEqual([]);
    expect(
      missingIn('database', rightsOf('clone', [can('SELECT', 'D', table)], ['db_owner']), other),
    ).toHaveLength(2);
  });
});
