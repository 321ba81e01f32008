import { nameExpression, schemaExpression, securableViews } from './securables.ts';

/*
 * All questions to the catalogue. Those about an account bind its name to @username, if nothing else is said. The server
 * compares names by its own rules.
 */

/** What kind of account a name is in the session's database. One row. */
export const accountStatement = `
SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, DB_NAME() AS currentDatabase,
       (SELECT CAST(containment AS int) FROM sys.databases WHERE database_id = DB_ID()) AS containment,
       (SELECT CAST(authentication_type AS int) FROM sys.database_principals WHERE name = @username) AS authenticationType`;

/**
 * Why a login may be refused although its password is right. Binds @password too. Few admins may see a login's hash; for
 * all others `matches` is null.
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

/** Whether the server lets users with passwords of their own log in. Azure SQL Database always does. */
export const containedUsersStatement = `
SELECT CAST(value_in_use AS int) AS allowed FROM sys.configurations
 WHERE name = N'contained database authentication'`;

/** A login, if the session may see it. */
export const loginStatement = `
SELECT name, default_database_name AS defaultDatabase, default_language_name AS defaultLanguage,
       is_policy_checked AS policyChecked, is_expiration_checked AS expirationChecked,
       CAST(LOGINPROPERTY(name, 'IsLocked') AS int) AS locked, CONVERT(nvarchar(172), sid, 1) AS sid
  FROM sys.sql_logins WHERE name = @username`;

/**
 * The open databases, and whether the session may enter each and see all its users. Without snapshots: nobody can change
 * those.
 */
export const databasesStatement = `
SELECT name, is_read_only AS readOnly, CAST(HAS_DBACCESS(name) AS int) AS accessible,
       HAS_PERMS_BY_NAME(QUOTENAME(name), 'DATABASE', 'VIEW DEFINITION') AS visible
  FROM sys.databases WHERE state = 0 AND source_database_id IS NULL ORDER BY name`;

/** The user of a login in the session's database. */
export const userOfLoginStatement = `
SELECT name, default_schema_name AS defaultSchema, default_language_name AS defaultLanguage
  FROM sys.database_principals WHERE sid = SUSER_SID(@username) AND type = 'S'`;

/** The user with the SID of a login (@sid). In Azure SQL Database the login itself is in master. */
export const userOfSidStatement = `
SELECT name, default_schema_name AS defaultSchema, default_language_name AS defaultLanguage
  FROM sys.database_principals WHERE sid = CONVERT(varbinary(85), @sid, 1) AND type = 'S'`;

/** A user of the session's database, by its own name, with the name of its login. */
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

/** Roles of a login. `direct` is 0 for those that it has only through another role. */
export const serverRolesStatement = roles('sys.server_principals', 'sys.server_role_members');

/** Roles of a user in the session's database. `direct` is 0 for those that it has only through another role. */
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

/** Which of the {@link securableViews} the server has. */
export const securableViewsStatement = `SELECT ${securableViews
  .map((view) => `OBJECT_ID(N'${view}') AS [${view}]`)
  .join(', ')}`;

/**
 * Permissions of a user and of its roles. What they own is listed as CONTROL, which an owner has. Objects come before
 * their columns, since a permission on a column is an exception from one on the object.
 *
 * @param available the views of securables that the server has
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
 * As whom an admin works in the session's database, and whether the server trusts that database. Only the session can
 * tell whether it is a contained user's (`confined`): a database's owner can create a contained user with the SID of any
 * login.
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
 * Makes the session that of the database's owner, and tells what it may still do on the server. It is a batch of its own:
 * if EXECUTE AS failed, further statements of the same batch would run as the admin.
 */
export const actAsOwnerStatement = `
DECLARE @cookie varbinary(100);
EXECUTE AS USER = N'dbo' WITH COOKIE INTO @cookie;
SELECT CONVERT(nvarchar(202), @cookie, 1) AS cookie, USER_NAME() AS actingAs,
       IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin,
       HAS_PERMS_BY_NAME(NULL, NULL, N'CONTROL SERVER') AS controlServer,
       HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY LOGIN') AS alterAnyLogin`;

/** The server's own name, and not that of a listener. */
export const serverStatement = `SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(256)) AS server`;

/** The rights by which an admin changes logins. */
export const adminRightsStatement = `
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'ALTER ANY LOGIN') AS alterAnyLogin,
       HAS_PERMS_BY_NAME(NULL, NULL, 'CONTROL SERVER') AS controlServer,
       IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin`;

/**
 * The rights by which an admin changes logins in Azure SQL Database; asked in master. The server's admin is dbo there.
 * Others need a role.
 *
 * @see https://learn.microsoft.com/azure/azure-sql/database/logins-create-manage
 */
export const azureAdminRightsStatement = `
SELECT CASE WHEN USER_NAME() = N'dbo' THEN 1 ELSE 0 END AS dbo, IS_ROLEMEMBER(N'loginmanager') AS loginManager,
       IS_SRVROLEMEMBER(N'##MS_LoginManager##') AS serverLoginManager`;

/**
 * What an account may do on the server. The first row says whose rights follow. Binds @who and @account.
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

/** Views that every version and service has. Securables of other views are told apart by their numbers. */
const viewsEverywhere = new Set(['sys.all_objects', 'sys.schemas', 'sys.database_principals']);

/**
 * What an account may do in the session's database. The first row says whose rights follow. Binds `@who`, `@account` and
 * `@database` (the secret's). The account's user is the first that exists of these:
 *
 * 1. the user of that name with a password of its own, in the secret's database
 * 2. the user of the login of that name
 * 3. the user of that name whose login is gone: a new login of that name would get it
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
${databasePermissionsStatement(viewsEverywhere)};`;

/**
 * Asks what two accounts may do, on the server and in each database that the session may enter, in one round trip. Binds
 * `@subject` and `@proven` (the accounts), `@database`, and the two statements above as `@onServer` and `@inDatabase`. In
 * Azure SQL Database it asks only the session's own database, which shows neither logins nor other databases.
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
