/** Words of six letters or more that occur in messages of servers, drivers and Keyturn, and also in passwords. */
const expected = new Set(
  (
    'accept access accesstoken account address administration administrator already alternatingusers ' +
    'apikey application attempt authentication authorization authorized availability backup before ' +
    'between cannot certificate change changed changeme character characters client clientsecret closed ' +
    'cloudsqlsuperuser cluster column command configuration connect connected connection connections ' +
    'containment contains create created credential credentials current database default definitions ' +
    'delete denied description descriptions development disabled docker driver duplicate elastic ' +
    'encrypted encryption engine environment exceeded exists expected expired external failed failure ' +
    'foreign function gateway grafana handshake header hexadecimal hostname identified identifier ' +
    'incorrect instance internal introspection invalid jenkins keyword kubernetes length letmein listener ' +
    'locked manager mariadb master memory message method missing mongodb network notfound number object ' +
    'operation oracle parameter passphrase password passwords pending permission permissions please ' +
    'policy postgres postgresql primary principal private privatekey privilege privileges process ' +
    'production protocol provided public publickey rabbitmq reached readonly received refreshtoken ' +
    'refused register registration relation replication request require required reserved resource ' +
    'response return revoked rolbypassrls rolcreatedb rolcreaterole rolreplication rotation schema ' +
    'secondaries secret secrets security select server servercertificate service session should socket ' +
    'source sqlserver sslservername staging standard started statement storage string supported syntax ' +
    'system target testing timeout transaction trustworthy unable unauthorized unexpected unexpectedly ' +
    'unknown update updateability updated username version violation welcome without'
  ).split(' '),
);

/** Whether a word, in small letters, occurs in many messages. */
export function isExpectedWord(word: string): boolean {
  return expected.has(word);
}
