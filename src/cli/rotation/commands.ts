/** Commands of the AWS CLI that messages tell people to run, ready to be copied. */

/** Lets Secrets Manager invoke a function, for secrets of the function's account. */
export function invokePermission(functionArn: string): string {
  const account = functionArn.split(':')[4];
  return [
    `aws lambda add-permission --function-name ${functionArn} --statement-id SecretsManager`,
    `--action lambda:InvokeFunction --principal secretsmanager.amazonaws.com --source-account ${account}`,
  ].join(' ');
}

/** Shows what a function has logged lately. */
export function tailLog(functionArn: string): string {
  return `aws logs tail /aws/lambda/${functionArn.split(':')[6] ?? functionArn} --since 1h`;
}

/** Takes AWSPENDING off a version. */
export function clearPending(secretArn: string, versionId: string): string {
  return `aws secretsmanager update-secret-version-stage --secret-id ${secretArn} --version-stage AWSPENDING --remove-from-version-id ${versionId}`;
}
