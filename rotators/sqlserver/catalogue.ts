import { nameExpression, schemaExpression, securableViews } from './securables.ts';

/** Every question that is asked of the catalogue. All bind @username; names are compared as the server does. */

/** What kind of account a name is in the session's database. One row. */
export const accountStatement = `
SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, DB_NAME() AS currentDatabase,
       (SELECT CAST(containment AS int) FROM sys.databases WHERE database_id = DB_ID()) AS containment,
       (SELECT CAST(authentication_type AS int) FROM sys.database_principals WHERE name = @username) AS authenticationType`;

/**
 * What is true of a login: why it may be refused though its password is right. The hash is shown to few, and to compare
 * with it is null for all others.
 *
 * @see https://learn.microsoft.com/sql/t-sql/functions/loginproperty-transact-sql
 * @see https://learn.microsoft.com/sql/t-sql/functions/pwdcompare-transact-sql
 */
export const loginTruthStatement = `
WITH held AS (
  SELECT principal_id FROM sys.server_principals WHERE name = @username
  UNION ALL
  SELECT m.role_principal_id FROM sys.server_role_members m JOIN held h ON h.principal_id = m.member_principal_id
)
SELECT CAST(SERVERPROPERTY('IsIntegratedSecurityOnly') AS int) AS windowsOnly, l.is_disabled AS disabled,
       CAST(LOGINPROPERTY(l.name, 'IsLocked') AS int) AS locked,
       CAST(LOGINPROPERTY(l.name, 'IsExpired') AS int) AS expired,
       CAST(LOGINPROPERTY(l.name, 'IsMustChange') AS int) AS mustChange,
       CAST(CASE WHEN EXISTS (SELECT 1 FROM sys.server_permissions p WHERE p.type = 'COSQ' AND p.state = 'D'
                               AND p.grantee_principal_id IN (SELECT principal_id FROM held)) THEN 1 ELSE 0 END AS bit) AS denied,
       CAST(CASE WHEN EXISTS (SELECT 1 FROM sys.server_permissions p WHERE p.type = 'COSQ' AND p.state IN ('G', 'W')
                               AND p.grantee_principal_id IN (SELECT principal_id FROM held))
                   OR EXISTS (SELECT 1 FROM held h JOIN sys.server_principals r ON r.principal_id = h.principal_id
                               WHERE r.name = N'sysadmin') THEN 1 ELSE 0 END AS bit) AS mayConnect,
       CAST(PWDCOMPARE(@password, l.password_hash) AS int) AS matches
  FROM sys.sql_logins l WHERE l.name = @username`;

/** Whether users with passwords of their own can log in to the server at all; they can in Azure SQL Database. */
export const containedUsersStatement = `
SELECT CAST(value_in_use AS int) AS allowed FROM sys.configurations
 WHERE name = N'contained database authentication'`;

/** A login, where the session may see it. */
export const loginStatement = `
SELECT name, default_database_name AS defaultDatabase, default_language_name AS defaultLanguage,
       is_policy_checked AS policyChecked, is_expiration_checked AS expirationChecked,
       CAST(LOGINPROPERTY(name, 'IsLocked') AS int) AS locked, CONVERT(nvarchar(172), sid, 1) AS sid
  FROM sys.sql_logins WHERE name = @username`;

/** The databases that are open, and whether the session may enter each and see all users. Nobody can change snapshots. */
export const databasesStatement = `
SELECT name, is_read_only AS readOnly, CAST(HAS_DBACCESS(name) AS int) AS accessible,
       HAS_PERMS_BY_NAME(QUOTENAME(name), 'DATABASE', 'VIEW DEFINITION') AS visible
  FROM sys.databases WHERE state = 0 AND source_database_id IS NULL ORDER BY name`;

/** The user of a login in the session's database. */
export const userOfLoginStatement = `
SELECT name, default_schema_name AS defaultSchema, default_language_name AS defaultLanguage
  FROM sys.database_principals WHERE sid = SUSER_SID(@username) AND type = 'S'`;

/** The user whose SID is that of a login of Azure SQL Database, which is kept in master. */
export const userOfSidStatement = `
SELECT name, default_schema_name AS defaultSchema, default_language_name AS defaultLanguage
  FROM sys.database_principals WHERE sid = CONVERT(varbinary(85), @sid, 1) AND type = 'S'`;

/** A user of the session's database, by its own name, and the login that it is for. */
export const userStatement = `
SELECT name, default_schema_name AS defaultSchema, default_language_name AS defaultLanguage,
       SUSER_SNAME(sid) AS [login]
  FROM sys.database_principals WHERE name = @username AND type = 'S'`;

function held(principals: string, members: string): string {
  return `
  WITH held AS (
    SELECT principal_id FROM ${principals} WHERE name = @username
    UNION ALL
    SELECT m.role_principal_id FROM ${members} m JOIN held h ON h.principal_id = m.member_principal_id
  )`;
}

function roles(principals: string, members: string): string {
  return `${held(principals, members)}
SELECT DISTINCT r.name, CAST(CASE WHEN EXISTS (
         SELECT 1 FROM ${members} m JOIN ${principals} u ON u.principal_id = m.member_principal_id
          WHERE m.role_principal_id = r.principal_id AND u.name = @username) THEN 1 ELSE 0 END AS bit) AS direct
  FROM ${principals} r WHERE r.type = 'R' AND r.principal_id IN (SELECT principal_id FROM held)`;
}

/** Roles of a login, also those that it is in by way of another. */
export const serverRolesStatement = roles('sys.server_principals', 'sys.server_role_members');

/** Roles of a user, likewise. */
export const databaseRolesStatement = roles('sys.database_principals', 'sys.database_role_members');

/** Permissions of a login and of its roles. */
export const serverPermissionsStatement = `${held('sys.server_principals', 'sys.server_role_members')}
SELECT CAST(p.class AS int) AS class, p.class_desc AS classDescription, p.major_id AS majorId, p.minor_id AS minorId,
       p.permission_name AS permission, p.state AS state, CAST(NULL AS sysname) AS schemaName,
       CASE p.class WHEN 101 THEN (SELECT s.name FROM sys.server_principals s WHERE s.principal_id = p.major_id)
                    WHEN 105 THEN (SELECT e.name FROM sys.endpoints e WHERE e.endpoint_id = p.major_id) END AS name,
       CAST(NULL AS sysname) AS columnName,
       (SELECT s.type FROM sys.server_principals s WHERE p.class = 101 AND s.principal_id = p.major_id) AS principalType,
       CAST(CASE WHEN g.name = @username THEN 1 ELSE 0 END AS bit) AS direct
  FROM sys.server_permissions p JOIN sys.server_principals g ON g.principal_id = p.grantee_principal_id
 WHERE p.grantee_principal_id IN (SELECT principal_id FROM held)
 ORDER BY p.class, p.major_id, p.minor_id`;

/** Which of the views of securables there are. */
export const securableViewsStatement = `SELECT ${securableViews
  .map((view) => `OBJECT_ID(N'${view}') AS [${view}]`)
  .join(', ')}`;

/**
 * Permissions of a user and of its roles, and what it owns, which comes to CONTROL. Objects come before their columns,
 * since a permission on a column stands for an exception.
 */
export function databasePermissionsStatement(available: ReadonlySet<string>): string {
  return `${held('sys.database_principals', 'sys.database_role_members')},
  listed AS (
    SELECT class, class_desc, major_id, minor_id, permission_name, state, grantee_principal_id
      FROM sys.database_permissions WHERE grantee_principal_id IN (SELECT principal_id FROM held)
    UNION ALL
    SELECT owned.class, owned.class_desc, owned.id, 0, 'CONTROL', 'W', owned.owner
      FROM (SELECT 1 AS class, 'OBJECT_OR_COLUMN' AS class_desc, object_id AS id, principal_id AS owner FROM sys.objects
            UNION ALL SELECT 3, 'SCHEMA', schema_id, principal_id FROM sys.schemas
            UNION ALL SELECT 4, 'DATABASE_PRINCIPAL', principal_id, owning_principal_id FROM sys.database_principals
                       WHERE type = 'R') owned
     WHERE owned.owner IN (SELECT principal_id FROM held) AND owned.owner <> DATABASE_PRINCIPAL_ID(N'dbo')
  )
SELECT CAST(p.class AS int) AS class, p.class_desc AS classDescription, p.major_id AS majorId, p.minor_id AS minorId,
       p.permission_name AS permission, p.state AS state, ${schemaExpression(available)} AS schemaName,
       ${nameExpression(available)} AS name,
       CASE WHEN p.class = 1 AND p.minor_id > 0 THEN COL_NAME(p.major_id, p.minor_id) END AS columnName,
       (SELECT s.type FROM sys.database_principals s WHERE p.class = 4 AND s.principal_id = p.major_id) AS principalType,
       CAST(CASE WHEN g.name = @username THEN 1 ELSE 0 END AS bit) AS direct
  FROM listed p JOIN sys.database_principals g ON g.principal_id = p.grantee_principal_id
 ORDER BY p.class, p.major_id, p.minor_id`;
}

/** Whether the session's database takes changes. */
export const updateableStatement = `
SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(20)) AS updateability`;

/**
 * As whom an admin works in the session's database, and whether the server trusts that database. Whether the session is
 * a contained user's is asked of the session: a database's owner can make a contained user with the SID of any login.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-exec-sessions-transact-sql
 */
export const workerStatement = `
SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, DB_NAME() AS [database],
       (SELECT is_trustworthy_on FROM sys.databases WHERE database_id = DB_ID()) AS trustworthy,
       (SELECT CAST(CASE WHEN authenticating_database_id = DB_ID() AND DB_ID() > 4 THEN 1 ELSE 0 END AS bit)
          FROM sys.dm_exec_sessions WHERE session_id = @@SPID) AS confined,
       (SELECT COUNT(*) FROM sys.triggers WHERE parent_class = 0 AND is_disabled = 0) AS triggers`;

/**
 * Makes the session that of the database's owner, and tells what it may still do on the server. A batch of its own:
 * one that went on after EXECUTE AS has failed would do so as the admin.
 */
export const actAsOwnerStatement = `
DECLARE @cookie varbinary(100);
EXECUTE AS USER = N'dbo' WITH COOKIE INTO @cookie;
SELECT CONVERT(nvarchar(202), @cookie, 1) AS cookie, USER_NAME() AS actingAs,
       IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin,
       HAS_PERMS_BY_NAME(NULL, NULL, N'CONTROL SERVER') AS controlServer,
       HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY LOGIN') AS alterAnyLogin`;

/** Which server a session is at: its own name, and not that of a listener. */
export const serverStatement = `SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(256)) AS server`;

/** The rights by which an admin changes logins. */
export const adminRightsStatement = `
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'ALTER ANY LOGIN') AS alterAnyLogin,
       HAS_PERMS_BY_NAME(NULL, NULL, 'CONTROL SERVER') AS controlServer,
       IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin`;

/**
 * The same in Azure SQL Database, asked in master: the server's admin is dbo there, and others are in a role.
 *
 * @see https://learn.microsoft.com/azure/azure-sql/database/logins-create-manage
 */
export const azureAdminRightsStatement = `
SELECT CASE WHEN USER_NAME() = N'dbo' THEN 1 ELSE 0 END AS dbo, IS_ROLEMEMBER(N'loginmanager') AS loginManager,
       IS_SRVROLEMEMBER(N'##MS_LoginManager##') AS serverLoginManager`;

/**
 * What an account may do on the server, after a row that says whose rights follow. Run with @who and @account.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/system-catalog-views/sys-linked-logins-transact-sql
 */
export const rightsOnServerStatement = `
DECLARE @username nvarchar(128) = (SELECT name FROM sys.server_principals WHERE name = @account);
SELECT N'' AS scope, @who AS who, @username AS username, CAST(0 AS bit) AS contained;
${serverRolesStatement};
${serverPermissionsStatement};
SELECT name AS ownedDatabase FROM sys.databases WHERE owner_sid = SUSER_SID(@username);
SELECT s.name AS linkedServer FROM sys.linked_logins l JOIN sys.servers s ON s.server_id = l.server_id
  JOIN sys.server_principals p ON p.principal_id = l.local_principal_id WHERE p.name = @username;`;

/** What every version and service has: rights on all else are told apart by number. */
const everywhere = new Set(['sys.all_objects', 'sys.schemas', 'sys.database_principals']);

/**
 * The same in a database, for the user that an account is there: one with a password of its own in the database that
 * the secret is for, else that of the login, else one whose login is gone and which a login of this name would get.
 */
export const rightsInDatabaseStatement = `
DECLARE @username nvarchar(128), @contained bit = 0;
SELECT TOP (1) @username = name, @contained = CASE authentication_type WHEN 2 THEN 1 ELSE 0 END
  FROM sys.database_principals
 WHERE type = 'S' AND (sid = SUSER_SID(@account) OR (name = @account AND (
         (authentication_type = 2 AND DB_ID() = DB_ID(@database))
         OR (authentication_type = 1 AND SUSER_SNAME(sid) IS NULL))))
 ORDER BY CASE WHEN authentication_type = 2 AND name = @account THEN 0 WHEN sid = SUSER_SID(@account) THEN 1 ELSE 2 END;
SELECT DB_NAME() AS scope, @who AS who, @username AS username, @contained AS contained;
${databaseRolesStatement};
${databasePermissionsStatement(everywhere)};`;

/**
 * Runs the two for two accounts, and the second in each database that the session may enter, all in one round trip.
 * Azure SQL Database has neither logins nor other databases to look into.
 */
export const rightsStatement = `
DECLARE @declared nvarchar(200) = N'@who nvarchar(10), @account nvarchar(128), @database nvarchar(128)';
DECLARE @each nvarchar(max) = N'';
IF SERVERPROPERTY('EngineEdition') = 5
  SET @each = N'EXEC sys.sp_executesql @inDatabase, @declared, N''subject'', @subject, @database;
EXEC sys.sp_executesql @inDatabase, @declared, N''proven'', @proven, @database;';
ELSE
BEGIN
  SET @each = N'EXEC sys.sp_executesql @onServer, @declared, N''subject'', @subject, @database;
EXEC sys.sp_executesql @onServer, @declared, N''proven'', @proven, @database;';
  SELECT @each += N'
EXEC ' + QUOTENAME(name) + N'.sys.sp_executesql @inDatabase, @declared, N''subject'', @subject, @database;
EXEC ' + QUOTENAME(name) + N'.sys.sp_executesql @inDatabase, @declared, N''proven'', @proven, @database;'
    FROM sys.databases WHERE state = 0 AND source_database_id IS NULL AND HAS_DBACCESS(name) = 1;
  SELECT name AS unseenDatabase FROM sys.databases
   WHERE state = 0 AND source_database_id IS NULL AND name NOT IN (N'model', N'tempdb', N'rdsadmin')
     AND (HAS_DBACCESS(name) = 0
          OR ISNULL(HAS_PERMS_BY_NAME(QUOTENAME(name), 'DATABASE', 'VIEW DEFINITION'), 0) = 0);
END;
EXEC sys.sp_executesql @each, N'@onServer nvarchar(max), @inDatabase nvarchar(max), @declared nvarchar(200),
  @subject nvarchar(128), @proven nvarchar(128), @database nvarchar(128)',
  @onServer, @inDatabase, @declared, @subject, @proven, @database;`;
