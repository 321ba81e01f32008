import type { SampleLanguage } from '../../create/code-samples.ts';
import type { FormOfFields } from '../../render/form-names.ts';
import type { PlaceOptions } from '../rotation/arguments.ts';
import type { ScheduleArguments } from '../rotation/schedule.ts';

/** What the command line says. At a terminal, keyturn asks for the rest. */
export interface CreateWork extends PlaceOptions {
  readonly name: string | undefined;
  readonly kind: string | undefined;
  readonly fields: ReadonlyMap<string, string>;
  readonly fieldFiles: ReadonlyMap<string, string>;
  readonly valueFile: string | undefined;
  readonly form: FormOfFields | undefined;
  readonly asIs: boolean;
  readonly kmsKeyId: string | undefined;
  readonly description: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly policyFile: string | undefined;
  readonly replicas: readonly { readonly region: string; readonly kmsKeyId: string | undefined }[];
  readonly functionArn: string | undefined;
  readonly schedule: ScheduleArguments;
  readonly immediately: boolean;
  readonly timeoutMs: number;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly code: readonly (SampleLanguage | 'all' | 'none')[];
}
