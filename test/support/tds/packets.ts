/** Types of TDS packets. @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/ */
export const packetType = { batch: 0x01, rpc: 0x03, result: 0x04, login: 0x10, prelogin: 0x12 } as const;

export interface Message {
  readonly type: number;
  readonly data: Buffer;
}

const headerBytes = 8;
const lastPacket = 0x01;

/** Joins packets to messages. */
export class MessageReader {
  private rest = Buffer.alloc(0);
  private parts: Buffer[] = [];

  read(chunk: Buffer): Message[] {
    this.rest = Buffer.concat([this.rest, chunk]);
    const messages: Message[] = [];
    for (;;) {
      if (this.rest.length < headerBytes) return messages;
      const length = this.rest.readUInt16BE(2);
      if (length < headerBytes || this.rest.length < length) return messages;
      const [type = 0, status = 0] = this.rest;
      this.parts.push(this.rest.subarray(headerBytes, length));
      this.rest = this.rest.subarray(length);
      if ((status & lastPacket) === 0) continue;
      messages.push({ type, data: Buffer.concat(this.parts) });
      this.parts = [];
    }
  }

  /** The bytes after the last whole message. */
  takeRest(): Buffer {
    const { rest } = this;
    this.rest = Buffer.alloc(0);
    return rest;
  }
}

/** Splits a message into packets. */
export function packetsOf(type: number, data: Buffer, packetBytes = 4096): Buffer {
  const packets: Buffer[] = [];
  const most = packetBytes - headerBytes;
  for (let at = 0; at === 0 || at < data.length; at += most) {
    const part = data.subarray(at, at + most);
    const header = Buffer.alloc(headerBytes);
    header.writeUInt8(type, 0);
    header.writeUInt8(at + most >= data.length ? lastPacket : 0, 1);
    header.writeUInt16BE(headerBytes + part.length, 2);
    header.writeUInt8((packets.length + 1) % 256, 6);
    packets.push(header, part);
  }
  return Buffer.concat(packets);
}
