import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  paginateListExecutions,
  paginateListMapRuns,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { S3Server } from '../s3-server.ts';

/** A stand-in for Step Functions' API with RedriveExecution. */
export interface Redriving {
  readonly url: string;
  /** Moves the clock on by some days: executions can be redriven only for a while. */
  letDaysPass(days: number): void;
  /** The next RedriveExecution is answered with this error. */
  refuseNext(error: 'ExecutionLimitExceeded' | 'ExecutionNotRedrivable' | 'AccessDeniedException'): void;
  /** The next requests get no answer: their connections are closed. */
  dropNext(requests: number): void;
  /** Whether DescribeExecution tells that an execution can't be redriven. */
  tellsStatus: boolean;
  /** How many calls of RedriveExecution have succeeded. */
  readonly granted: () => number;
  close(): Promise<void>;
}

interface Token {
  readonly token: string;
  readonly at: number;
  readonly date: number;
}

/** An execution that was redriven, and what continues it. */
interface Redriven {
  /** The executions at the interpreter that continue it, in their order. */
  readonly attempts: string[];
  /** Map runs that continue an earlier one, by the earlier one's ARN. */
  readonly continued: Map<string, string>;
  readonly tokens: Token[];
  date: number;
}

interface Input {
  readonly waves: readonly { readonly key: string }[];
}

const dayMs = 86_400_000;
/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html */
const redrivableDays = 14;
const tokensKept = 10;
const tokenMs = 15 * 60_000;

/** An error of the API. */
class Refusal extends Error {
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/**
 * A stand-in for Step Functions' API with RedriveExecution. It stands in front of an interpreter that lacks that call, and
 * passes all other calls on to it. It refuses what the documentation says is refused. At the interpreter, a redriven
 * execution continues as another execution. That has the items of the wave whose targets have not succeeded, and the
 * waves after it. Callers see it as the same execution, as at AWS.
 *
 * It proves that Keyturn makes the calls as documented, and that an execution can be continued without rotating anything
 * twice. It does not prove what AWS itself does.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
 */
export async function startRedriving(
  interpreter: { readonly url: string; readonly client: SFNClient },
  s3: S3Server,
  bucket: string,
): Promise<Redriving> {
  const { client } = interpreter;
  const redriven = new Map<string, Redriven>();
  let offsetMs = 0;
  let refusal: string | undefined;
  let granted = 0;
  let toDrop = 0;
  const now = (): number => Date.now() + offsetMs;
  const currentOf = (arn: string): string => redriven.get(arn)?.attempts.at(-1) ?? arn;
  const describe = (executionArn: string) => client.send(new DescribeExecutionCommand({ executionArn }));

  async function mapRunsOf(executionArn: string) {
    const found = [];
    for await (const { mapRuns = [] } of paginateListMapRuns({ client }, { executionArn }))
      found.push(...mapRuns);
    return found.sort((one, other) => Number(one.startDate) - Number(other.startDate));
  }

  /** Why an execution can't be redriven, in the words of DescribeExecution's redriveStatusReason. */
  function obstacle(status: string, stopDate: Date | undefined): string | undefined {
    if (!['FAILED', 'ABORTED', 'TIMED_OUT'].includes(status))
      return `Execution is ${status} and cannot be redriven`;
    const ageMs = now() - Number(stopDate);
    return ageMs > redrivableDays * dayMs ? 'Execution redrivable period exceeded' : undefined;
  }

  /** Items of a wave whose targets have not succeeded since the execution began. */
  async function itemsLeft(stateMachineArn: string, since: Date, key: string): Promise<unknown[]> {
    const machine = await client.send(new DescribeStateMachineCommand({ stateMachineArn }));
    const [, targetMachine] = /"StateMachineArn":"([^"]+)"/.exec(String(machine.definition)) ?? [];
    const done: unknown[] = [];
    const wanted = { stateMachineArn: targetMachine, statusFilter: 'SUCCEEDED' } as const;
    for await (const { executions = [] } of paginateListExecutions({ client }, wanted)) {
      for (const { executionArn, startDate } of executions) {
        if (Number(startDate) < Number(since)) continue;
        done.push(JSON.parse(String((await describe(String(executionArn))).input)));
      }
    }
    const items: unknown[] = JSON.parse(String(s3.objects.get(`${bucket}/${key}`)));
    return items.filter((item) => !done.some((one) => isDeepStrictEqual(one, item)));
  }

  async function redrive(body: Readonly<Record<string, unknown>>): Promise<object> {
    const { executionArn, clientToken, ...others } = body;
    if (Object.keys(others).length > 0 || typeof executionArn !== 'string')
      throw new Refusal('ValidationException', 'The input does not satisfy the constraints.');
    // The caller must be able to repeat the request.
    if (typeof clientToken !== 'string' || !/^[!-~]{1,64}$/.test(clientToken))
      throw new Refusal('ValidationException', 'The client token does not satisfy the constraints.');
    if (!/^arn:aws:states:[\w-]+:\d{12}:(execution|express):[^:]+:[^:]+(:[^:]+)?$/.test(executionArn))
      throw new Refusal('InvalidArn', `Invalid Arn: '${executionArn}'`);
    if (executionArn.includes(':express:'))
      throw new Refusal('ExecutionNotRedrivable', 'Executions of EXPRESS state machines cannot be redriven');
    const known = redriven.get(executionArn);
    const repeated = known?.tokens.find(({ token, at }) => token === clientToken && now() - at < tokenMs);
    if (repeated !== undefined) return { redriveDate: repeated.date / 1000 };
    const original = await describe(executionArn).catch(() => {
      throw new Refusal('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    });
    const ended = await describe(currentOf(executionArn));
    const reason = obstacle(String(ended.status), ended.stopDate);
    if (reason !== undefined) throw new Refusal('ExecutionNotRedrivable', reason);
    if (refusal !== undefined) {
      const type = refusal;
      refusal = undefined;
      throw new Refusal(type, `The stand-in was told to answer ${type}`);
    }
    const runs = await mapRunsOf(String(ended.executionArn));
    const input: Input = JSON.parse(String(ended.input));
    // Waves run one after the other. So an execution that did not succeed ended in the last wave that began.
    const succeeded = Math.max(0, runs.length - 1);
    const [failed, ...later] = input.waves.slice(succeeded);
    if (failed === undefined || original.startDate === undefined)
      throw new Refusal('ExecutionNotRedrivable', 'Nothing is left of it');
    const stateMachineArn = String(original.stateMachineArn);
    const left = await itemsLeft(stateMachineArn, original.startDate, failed.key);
    granted += 1;
    const key = `${failed.key}-redriven-${granted}`;
    s3.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(left)));
    const started = await client.send(
      new StartExecutionCommand({
        stateMachineArn,
        name: `redriven-${granted}-${original.name}`,
        input: JSON.stringify({ ...input, waves: [{ ...failed, key }, ...later] }),
      }),
    );
    const record: Redriven = known ?? { attempts: [], continued: new Map(), tokens: [], date: 0 };
    redriven.set(executionArn, record);
    record.attempts.push(String(started.executionArn));
    const earlier = runs[succeeded]?.mapRunArn;
    if (earlier !== undefined) record.continued.set(earlier, String(started.executionArn));
    record.date = now();
    record.tokens.push({ token: clientToken, at: now(), date: record.date });
    record.tokens.splice(0, record.tokens.length - tokensKept);
    return { redriveDate: record.date / 1000 };
  }

  /** Calls the interpreter. @returns its answer in JSON */
  async function call(operation: string, body: object): Promise<Record<string, unknown>> {
    const answer = await fetch(interpreter.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AWSStepFunctions.${operation}`,
        authorization:
          'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/states/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: JSON.stringify(body),
    });
    const document: Record<string, unknown> = JSON.parse(await answer.text());
    if (answer.ok) return document;
    throw new Refusal(
      String(document.__type ?? answer.headers.get('x-amzn-errortype')),
      String(document.message),
    );
  }

  const recordOf = (mapRunArn: string): Redriven | undefined =>
    [...redriven.values()].find(({ continued }) => continued.has(mapRunArn));

  /** The map run that continues a map run: the first one of the execution that continues it. Undefined if there is none. */
  async function continuationOf(mapRunArn: string): Promise<Record<string, unknown> | undefined> {
    const execution = recordOf(mapRunArn)?.continued.get(mapRunArn);
    const [first] = execution === undefined ? [] : await mapRunsOf(execution);
    return first && call('DescribeMapRun', { mapRunArn: first.mapRunArn });
  }

  async function answer(operation: string, body: Record<string, unknown>): Promise<object> {
    const arn = String(body.executionArn ?? '');
    const record = redriven.get(arn);
    switch (operation) {
      case 'RedriveExecution':
        return redrive(body);
      case 'DescribeExecution': {
        const current = await call(operation, { executionArn: currentOf(arn) });
        const reason = obstacle(String(current.status), new Date(Number(current.stopDate) * 1000));
        const { executionArn, name, startDate, input } = await call(operation, { executionArn: arn });
        const status = {
          redriveStatus: reason === undefined ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
          ...(reason === undefined ? {} : { redriveStatusReason: reason }),
        };
        return {
          ...current,
          ...{ executionArn, name, startDate, input },
          redriveCount: record?.attempts.length ?? 0,
          ...(record === undefined ? {} : { redriveDate: record.date / 1000 }),
          ...(redriving.tellsStatus ? status : {}),
        };
      }
      case 'StopExecution':
        return call(operation, { ...body, executionArn: currentOf(arn) });
      case 'ListMapRuns': {
        const all = await Promise.all([arn, ...(record?.attempts ?? [])].map(mapRunsOf));
        // The first map run of an execution that continues another one counts as the same map run.
        const shown = all.flatMap((runs, index) => (index === 0 ? runs : runs.slice(1)));
        const mapRuns = shown.map((run) => ({
          ...run,
          startDate: Number(run.startDate) / 1000,
          stopDate: run.stopDate === undefined ? undefined : Number(run.stopDate) / 1000,
        }));
        return { mapRuns };
      }
      case 'DescribeMapRun': {
        const mapRunArn = String(body.mapRunArn);
        const own = await call(operation, { mapRunArn });
        const continued = recordOf(mapRunArn) && (await continuationOf(mapRunArn));
        const { succeeded = 0, total = 0 } = Object(own.itemCounts);
        if (recordOf(mapRunArn) === undefined) return own;
        if (continued === undefined) {
          const itemCounts = {
            ...Object(own.itemCounts),
            failed: 0,
            aborted: 0,
            pendingRedrive: total - succeeded,
          };
          return { ...own, status: 'RUNNING', itemCounts };
        }
        const counts = Object(continued.itemCounts);
        return {
          ...continued,
          mapRunArn,
          itemCounts: { ...counts, total, succeeded: succeeded + counts.succeeded },
        };
      }
      case 'ListExecutions': {
        const found = await call(operation, body);
        const listed: Record<string, unknown>[] = Object(found).executions;
        const attempts = new Map(
          [...redriven].flatMap(([original, { attempts: all }]) =>
            all.map((one) => [one, original] as const),
          ),
        );
        const executions = listed.map((one) => {
          const original = attempts.get(String(one.executionArn));
          if (original === undefined) return one;
          return { ...one, executionArn: original, name: original.split(':').at(-1) };
        });
        return { ...found, executions };
      }
      default:
        return call(operation, body);
    }
  }

  const server = createServer((request, response) => {
    if (toDrop > 0) {
      toDrop -= 1;
      request.socket.destroy();
      return;
    }
    void (async () => {
      const operation = String(request.headers['x-amz-target']).replace('AWSStepFunctions.', '');
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      try {
        const body: Record<string, unknown> = JSON.parse(await text(request));
        response.end(JSON.stringify(await answer(operation, body)));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        response.statusCode = 400;
        const type = error instanceof Refusal ? error.type : error.name;
        response.end(JSON.stringify({ __type: type, message: error.message }));
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No address.');
  const redriving: Redriving = {
    url: `http://127.0.0.1:${address.port}`,
    letDaysPass: (days) => {
      offsetMs += days * dayMs;
    },
    refuseNext: (error) => {
      refusal = error;
    },
    dropNext: (requests) => {
      toDrop = requests;
    },
    tellsStatus: true,
    granted: () => granted,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return redriving;
}
