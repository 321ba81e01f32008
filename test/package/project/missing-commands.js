// As missing.js, for what the commands ask of other services. The command line is no export, so it is reached by its file.
import { connect } from '../node_modules/keyturn/dist/src/cli/rotation/clients.js';

const clients = connect({ secret: '', endpoint: undefined, region: 'us-east-1' }, {});
const packages = {
  '@aws-sdk/client-cloudwatch-logs': clients.logs,
  '@aws-sdk/client-ec2': clients.ec2,
  '@aws-sdk/client-kms': clients.kms,
  '@aws-sdk/client-s3': clients.s3,
  '@aws-sdk/client-sfn': clients.sfn,
  '@aws-sdk/client-sts': clients.sts,
};
const said = Object.entries(packages).map(async ([name, load]) => [
  name,
  await load().then(
    () => 'It did not fail.',
    ({ name, message }) => `${name}: ${message}`,
  ),
]);
console.log(JSON.stringify(Object.fromEntries(await Promise.all(said))));
