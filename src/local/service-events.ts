import { randomUUID } from 'node:crypto';
import { homeOf } from './arn.ts';
import type { EventBridgeEvent } from './events.ts';

const serviceName = 'secretsmanager.amazonaws.com';

/**
 * The names of Secrets Manager's own events.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
 */
export type RotationEventName =
  | 'RotationStarted'
  | 'RotationSucceeded'
  | 'RotationFailed'
  | 'RotationAbandoned'
  | 'TestRotationStarted'
  | 'TestRotationSucceeded'
  | 'TestRotationFailed';
export type VersionEventName =
  | 'StartSecretVersionDelete'
  | 'CancelSecretVersionDelete'
  | 'EndSecretVersionDelete'
  | 'SecretVersionDeletion';
export type ReplicationEventName = 'ReplicationStarted' | 'ReplicationSucceeded' | 'ReplicationFailed';

interface Facts {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly secretArn: string;
  readonly errorMessage?: string | undefined;
}

/** Makes an event of a rotation. */
export function rotationEvent(
  name: RotationEventName,
  facts: Facts & { readonly token: string },
): EventBridgeEvent {
  return serviceEvent(name, facts, { requestID: `Rotation-${facts.secretArn}-${facts.token}` });
}

/** Makes an event of a version's deletion. */
export function versionEvent(
  name: VersionEventName,
  facts: Facts & { readonly versionId: string },
): EventBridgeEvent {
  return serviceEvent(name, facts, {}, { SecretVersionId: facts.versionId });
}

/** Makes an event of the replication to a region. */
export function replicationEvent(
  name: ReplicationEventName,
  facts: Facts & { readonly region: string },
): EventBridgeEvent {
  return serviceEvent(name, facts, {}, { ReplicaRegion: facts.region });
}

/**
 * The form is that of CloudTrail's service events in EventBridge. It follows a RotationSucceeded and a RotationFailed that
 * were published in 2021. In additionalEventData, only SecretId is AWS's. The other members are our own.
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html
 */
function serviceEvent(eventName: string, facts: Facts, more: object, data: object = {}): EventBridgeEvent {
  const { accountId, region } = homeOf(facts.secretArn);
  const time = new Date(facts.timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'AWS Service Event via CloudTrail',
    source: 'aws.secretsmanager',
    account: accountId,
    time,
    region,
    resources: [],
    detail: {
      eventVersion: '1.08',
      userIdentity: { accountId, invokedBy: serviceName },
      eventTime: time,
      eventSource: serviceName,
      eventName,
      awsRegion: region,
      sourceIPAddress: serviceName,
      userAgent: serviceName,
      ...(facts.errorMessage !== undefined && { errorMessage: facts.errorMessage }),
      requestParameters: null,
      responseElements: null,
      additionalEventData: { SecretId: facts.secretArn, ...data },
      ...more,
      eventID: randomUUID(),
      readOnly: false,
      eventType: 'AwsServiceEvent',
      managementEvent: true,
      recipientAccountId: accountId,
      eventCategory: 'Management',
    },
  };
}
