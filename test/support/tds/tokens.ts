/** What a server answers with: the tokens of TDS 7.4 that are needed here. */

export type Value = string | number | boolean | null;
export type Row = Readonly<Record<string, Value>>;

/** A server's error, which ends a statement or a login. */
export class SqlError extends Error {
  readonly number: number;

  constructor(number: number, message: string) {
    super(message);
    this.name = 'SqlError';
    this.number = number;
  }
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
}

function longText(text: string): Buffer {
  return Buffer.concat([u16(text.length), Buffer.from(text, 'utf16le')]);
}

function withLength(token: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([token]), u16(body.length), body]);
}

export function errorToken({ number, message }: SqlError): Buffer {
  const state = 1;
  const severity = 14;
  const end = [longText(message), shortText('STAND-IN'), shortText(''), u32(1)];
  return withLength(0xaa, u32(number), Buffer.from([state, severity]), ...end);
}

export function databaseChange(to: string, from: string): Buffer {
  return withLength(0xe3, Buffer.from([1]), shortText(to), shortText(from));
}

/**
 * ENVCHANGE of type 20: the server to which a login with read-only intent is routed.
 *
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/2b3eb7e5-d43d-4d1b-bf4d-76b9e3afc791
 */
export function routing(host: string, port: number): Buffer {
  const value = Buffer.concat([Buffer.from([0]), u16(port), longText(host)]);
  return withLength(0xe3, Buffer.from([20]), u16(value.length), value, u16(0));
}

export function loginAck(): Buffer {
  const version = Buffer.from([0x74, 0, 0, 4]);
  return withLength(
    0xad,
    Buffer.from([1]),
    version,
    shortText('Stand-in for SQL Server'),
    Buffer.from([16, 0, 0, 0]),
  );
}

/** Ends a batch (done), a statement of a call (doneInProc), or a call (doneProc). */
export function done(
  kind: 'done' | 'doneInProc' | 'doneProc',
  { failed = false, more = false } = {},
): Buffer {
  const token = { done: 0xfd, doneProc: 0xfe, doneInProc: 0xff }[kind];
  const status = (failed ? 2 : 0) | (more ? 1 : 0);
  return Buffer.concat([Buffer.from([token]), u16(status), u16(0), Buffer.alloc(8)]);
}

export function returnStatus(): Buffer {
  return Buffer.concat([Buffer.from([0x79]), u32(0)]);
}

type ColumnType = 'text' | 'int' | 'bit';

/** A result set. A column's type is that of its first non-null value. */
export function resultSet(rows: readonly Row[], names: readonly string[]): Buffer {
  const types = names.map((name) => typeOf(rows.map((row) => row[name] ?? null)));
  const columns = names.map((name, index) => columnOf(name, types[index] ?? 'text'));
  const metadata = [Buffer.from([0x81]), u16(names.length), ...columns];
  const values = rows.flatMap((row) => [
    Buffer.from([0xd1]),
    ...names.map((name, index) => encode(row[name] ?? null, types[index] ?? 'text')),
  ]);
  return Buffer.concat([...metadata, ...values]);
}

function typeOf(values: readonly Value[]): ColumnType {
  const [first] = values.filter((value) => value !== null);
  if (typeof first === 'number') return 'int';
  return typeof first === 'boolean' ? 'bit' : 'text';
}

function columnOf(name: string, type: ColumnType): Buffer {
  const nullable = [u32(0), u16(1)];
  const types = {
    text: [Buffer.from([0xe7]), u16(8000), Buffer.alloc(5)],
    int: [Buffer.from([0x26, 4])],
    bit: [Buffer.from([0x68, 1])],
  };
  return Buffer.concat([...nullable, ...types[type], shortText(name)]);
}

function encode(value: Value, type: ColumnType): Buffer {
  if (type === 'text') {
    if (value === null) return u16(0xffff);
    const text = Buffer.from(String(value), 'utf16le');
    return Buffer.concat([u16(text.length), text]);
  }
  if (value === null) return Buffer.from([0]);
  if (type === 'bit') return Buffer.from([1, value ? 1 : 0]);
  const int = Buffer.alloc(5);
  int.writeUInt8(4);
  int.writeInt32LE(Number(value), 1);
  return int;
}
