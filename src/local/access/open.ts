import { awsPartition, type Partition } from '../arn.ts';
import { accessDenied } from '../errors.ts';
import { credentialOf } from '../protocol/http.ts';
import type { StsBackend } from '../protocol/sts-api.ts';

/** STS where everybody may do everything: whoever asks is the root user of the account. */
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

/** An access key of twelve digits stands for the account of that number, as it does for moto and localstack. */
export function accountOf(accessKeyId: string): string | undefined {
  return /^\d{12}$/.test(accessKeyId) ? accessKeyId : undefined;
}
