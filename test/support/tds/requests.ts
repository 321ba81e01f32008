/** The values for encryption in PRELOGIN, of client and server. */
export const encryption = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

const encryptionOption = 1;
const terminator = 0xff;

export function readEncryption(prelogin: Buffer): number {
  for (let at = 0; at + 5 <= prelogin.length && prelogin[at] !== terminator; at += 5) {
    if (prelogin[at] === encryptionOption)
      return prelogin[prelogin.readUInt16BE(at + 1)] ?? encryption.notSupported;
  }
  return encryption.notSupported;
}

/** A PRELOGIN answer: a version, and whether to encrypt. */
export function writePrelogin(answer: number): Buffer {
  const options = Buffer.from([0, 0, 11, 0, 6, encryptionOption, 0, 17, 0, 1, terminator]);
  return Buffer.concat([options, Buffer.from([16, 0, 0, 0, 0, 0, answer])]);
}

export interface Login7 {
  readonly username: string;
  readonly password: string;
  readonly database: string;
  readonly appName: string;
  readonly readOnlyIntent: boolean;
}

/** Reads LOGIN7. The password's bytes are XORed with 0xA5 and have swapped nibbles. */
export function readLogin(data: Buffer): Login7 {
  const part = (at: number): Buffer => {
    const offset = data.readUInt16LE(at);
    return data.subarray(offset, offset + 2 * data.readUInt16LE(at + 2));
  };
  const unscrambled = part(44).map((byte) => {
    const flipped = byte ^ 0xa5;
    return ((flipped & 0x0f) << 4) | (flipped >> 4);
  });
  return {
    username: part(40).toString('utf16le'),
    password: Buffer.from(unscrambled).toString('utf16le'),
    appName: part(48).toString('utf16le'),
    database: part(68).toString('utf16le'),
    readOnlyIntent: ((data[26] ?? 0) & 0x20) !== 0,
  };
}

/** A statement and its parameters. */
export interface Statement {
  readonly text: string;
  readonly values: Readonly<Record<string, string>>;
}

function afterHeaders(data: Buffer): Buffer {
  return data.subarray(data.readUInt32LE(0));
}

export function readBatch(data: Buffer): Statement {
  return { text: afterHeaders(data).toString('utf16le'), values: {} };
}

/** Reads a call of sp_executesql: the statement, the declarations of its parameters, and their values (all nvarchar). */
export function readRpc(data: Buffer): Statement {
  const call = afterHeaders(data);
  const executeSql = 10;
  if (call.readUInt16LE(0) !== 0xffff || call.readUInt16LE(2) !== executeSql)
    throw new Error('No call of sp_executesql.');
  const parameters: { name: string; value: string }[] = [];
  let at = 6;
  while (at < call.length) {
    const parameter = readParameter(call, at);
    parameters.push(parameter);
    at = parameter.end;
  }
  const [statement, , ...bound] = parameters;
  return {
    text: statement?.value ?? '',
    values: Object.fromEntries(bound.map(({ name, value }) => [name.replace(/^@/, ''), value])),
  };
}

function readParameter(data: Buffer, start: number): { name: string; value: string; end: number } {
  const nameBytes = 2 * data.readUInt8(start);
  const name = data.toString('utf16le', start + 1, start + 1 + nameBytes);
  const type = start + 1 + nameBytes + 1;
  const nvarchar = 0xe7;
  if (data[type] !== nvarchar) throw new Error('A parameter that is no nvarchar.');
  const isLong = data.readUInt16LE(type + 1) === 0xffff;
  const value = type + 8;
  return { name, ...(isLong ? readChunks(data, value + 8) : readShort(data, value)) };
}

function readShort(data: Buffer, at: number): { value: string; end: number } {
  const length = data.readUInt16LE(at);
  if (length === 0xffff) return { value: '', end: at + 2 };
  return { value: data.toString('utf16le', at + 2, at + 2 + length), end: at + 2 + length };
}

function readChunks(data: Buffer, start: number): { value: string; end: number } {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const length = data.readUInt32LE(at);
    at += 4;
    if (length === 0) return { value: Buffer.concat(parts).toString('utf16le'), end: at };
    parts.push(data.subarray(at, at + length));
    at += length;
  }
}
