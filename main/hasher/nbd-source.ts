import { connect, type Socket } from 'node:net';
import type { ByteSource } from './disk-source.ts';
import { exitCode } from './protocol.ts';
import { Trouble } from './trouble.ts';

export type NbdSource = ByteSource & { close(): void };

const optionMagic = 0x49484156454f5054n;
const replyMagic = 0x0003e889045565a9n;
const requestMagic = 0x25609513;
const simpleReplyMagic = 0x67446698;
const optionGo = 7;
const reply = { ack: 1, info: 3 } as const;
const commandRead = 0;
const replyBytes = 16;

type Waiting = {
  readonly slot: Buffer;
  readonly length: number;
  readonly resolve: () => void;
  readonly reject: (error: Trouble) => void;
};

/** Reads at any place of an NBD export on a Unix socket, with several reads under way at once. Never writes. */
export async function nbdSource(socketPath: string): Promise<NbdSource> {
  const socket = connect(socketPath);
  const bytes = arriving(socket);
  await negotiate(socket, bytes);
  const waiting = new Map<bigint, Waiting>();
  let broken: Trouble | null = null;
  const receive = async (): Promise<never> => {
    for (;;) {
      const header = Buffer.alloc(replyBytes);
      await bytes.read(header);
      const asked = waiting.get(header.readBigUInt64BE(8));
      if (header.readUInt32BE(0) !== simpleReplyMagic || asked === undefined) throw outsideOfTheProtocol();
      const failed = header.readUInt32BE(4);
      if (failed === 0) await bytes.read(asked.slot.subarray(0, asked.length));
      waiting.delete(header.readBigUInt64BE(8));
      if (failed === 0) asked.resolve();
      else
        asked.reject(new Trouble(exitCode.failed, `The reader of the source answered with error ${String(failed)}.`));
    }
  };
  receive().catch((error: unknown) => {
    broken = error instanceof Trouble ? error : new Trouble(exitCode.failed, String(error));
    for (const { reject } of waiting.values()) reject(broken);
  });
  let last = 0n;
  return {
    fill: (slot, offset, length) =>
      new Promise<void>((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        last += 1n;
        waiting.set(last, { slot, length, resolve, reject });
        socket.write(readRequest({ handle: last, offset, length }));
      }),
    close: () => {
      socket.destroy();
    },
  };
}

/** Fixed newstyle and no zeroes, then GO for the export without a name: after that the server awaits requests. */
async function negotiate(socket: Socket, bytes: Arriving): Promise<void> {
  const greeting = Buffer.alloc(18);
  await bytes.read(greeting);
  if (greeting.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT') throw outsideOfTheProtocol();
  const flags = Buffer.alloc(4);
  flags.writeUInt32BE(greeting.readUInt16BE(16) & 3, 0);
  const go = Buffer.alloc(16 + 6);
  go.writeBigUInt64BE(optionMagic, 0);
  go.writeUInt32BE(optionGo, 8);
  go.writeUInt32BE(6, 12);
  socket.write(Buffer.concat([flags, go]));
  for (;;) {
    const header = Buffer.alloc(20);
    await bytes.read(header);
    if (header.readBigUInt64BE(0) !== replyMagic) throw outsideOfTheProtocol();
    const payload = Buffer.alloc(header.readUInt32BE(16));
    await bytes.read(payload);
    const type = header.readUInt32BE(12);
    if (type === reply.ack) return;
    if (type !== reply.info)
      throw new Trouble(exitCode.failed, `The reader of the source refused: ${payload.toString()}`);
  }
}

function readRequest({ handle, offset, length }: { handle: bigint; offset: number; length: number }): Buffer {
  const request = Buffer.alloc(28);
  request.writeUInt32BE(requestMagic, 0);
  request.writeUInt16BE(commandRead, 6);
  request.writeBigUInt64BE(handle, 8);
  request.writeBigUInt64BE(BigInt(offset), 16);
  request.writeUInt32BE(length, 24);
  return request;
}

type Arriving = {
  /** Fills the whole buffer. One read at a time. */
  read(into: Buffer): Promise<void>;
};

function arriving(socket: Socket): Arriving {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let pending: Buffer = Buffer.alloc(0);
  return {
    read: async (into) => {
      for (let filled = 0; filled < into.length; ) {
        if (pending.length === 0) {
          const next = await chunks.next();
          if (next.done === true) throw new Trouble(exitCode.failed, 'The reader of the source went away.');
          pending = next.value;
        }
        const taken = pending.copy(into, filled, 0, into.length - filled);
        filled += taken;
        pending = pending.subarray(taken);
      }
    },
  };
}

const outsideOfTheProtocol = (): Trouble =>
  new Trouble(exitCode.failed, 'The reader of the source answered outside of the protocol.');
