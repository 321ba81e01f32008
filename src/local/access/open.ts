import { awsPartition, type Partition } from '../arn.ts';
import { accessDenied } from '../errors.ts';
import { credentialOf } from '../protocol/http.ts';
import type { StsBackend } from '../protocol/sts-api.ts';

/** STS if policies are not enforced: every caller is the root user of the account. */
export function openSts({ region, accountId: home }: Partition): StsBackend {
  return {
    async identityOf(message) {
      const accountId = accountOf(credentialOf(message).accessKeyId) ?? home;
      return { accountId, arn: `arn:${awsPartition(region)}:iam::${accountId}:root`, userId: accountId };
    },
    async assumeRole() {
      throw accessDenied(
        'Roles are known only where policies are enforced (--enforce --policies FILE). Here any access key may do everything: use one without a role.',
      );
    },
  };
}

/** The account of an access key of twelve digits. It is the account of that number, as with moto and localstack. */
export function accountOf(accessKeyId: string): string | undefined {
  return /^\d{12}$/.test(accessKeyId) ? accessKeyId : undefined;
}
