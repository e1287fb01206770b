import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';

/** A thin NBD client: the fixed newstyle handshake, LIST, and GO. It never reads or writes data. */
export type NbdAddress = {
  readonly host: string;
  readonly port: number;
  /** Folder with ca-cert.pem, client-cert.pem and client-key.pem, where the server forces TLS. */
  readonly tlsDir?: string | undefined;
};

export type GoReply = { readonly sizeBytes: number; readonly flags: number };

const optionMagic = 0x49484156454f5054n;
const replyMagic = 0x0003e889045565a9n;
const requestMagic = 0x25609513;
const option = { list: 3, go: 7, abort: 2, startTls: 5 } as const;
const reply = { ack: 1, server: 2, info: 3 } as const;
const errorBit = 0x8000_0000;
const infoExport = 0;
const commandDisconnect = 2;

/** Names that the server lists. Opens no device. */
export async function listExports(address: NbdAddress, options: Signalled): Promise<string[]> {
  return await withSession(address, options, async (session) => {
    session.send(optionHeader(option.list, Buffer.alloc(0)));
    const names: string[] = [];
    for (;;) {
      const answer = await session.readReply();
      if (answer.type === reply.ack) break;
      if (answer.type !== reply.server) throw refused('LIST', answer.type, answer.payload);
      names.push(answer.payload.subarray(4, 4 + answer.payload.readUInt32BE(0)).toString('utf8'));
    }
    session.send(optionHeader(option.abort, Buffer.alloc(0)));
    return names;
  });
}

/**
 * Opens the export for a moment: the only option that gives the true size (INFO and LIST say 0).
 * It runs prerun and opens the device, so it is a check before an attempt and never a poll (rule N4).
 */
export async function goExport(address: NbdAddress, exportName: string, options: Signalled): Promise<GoReply> {
  return await withSession(address, options, async (session) => {
    const name = Buffer.from(exportName, 'utf8');
    const payload = Buffer.alloc(4 + name.length + 2);
    payload.writeUInt32BE(name.length, 0);
    name.copy(payload, 4);
    session.send(optionHeader(option.go, payload));
    let found: GoReply | null = null;
    for (;;) {
      const answer = await session.readReply();
      if (answer.type === reply.ack) break;
      if (answer.type !== reply.info) throw refused('GO', answer.type, answer.payload);
      if (answer.payload.readUInt16BE(0) === infoExport) {
        found = { sizeBytes: Number(answer.payload.readBigUInt64BE(2)), flags: answer.payload.readUInt16BE(10) };
      }
    }
    const request = Buffer.alloc(28);
    request.writeUInt32BE(requestMagic, 0);
    request.writeUInt16BE(commandDisconnect, 6);
    session.send(request);
    // The server closes once its child let go of the device.
    await session.ended();
    if (found === null) throw new AppError('EXPORT_FAILED', 'The server did not tell the size of the export.');
    return found;
  });
}

function refused(what: string, type: number, payload: Buffer): AppError {
  const text = type >= errorBit ? payload.toString('utf8') : '';
  return new AppError('EXPORT_FAILED', `nbd-server refused ${what}: 0x${type.toString(16)} ${text}`.trim(), {
    reply: type,
  });
}

function optionHeader(kind: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeBigUInt64BE(optionMagic, 0);
  header.writeUInt32BE(kind, 8);
  header.writeUInt32BE(payload.length, 12);
  return Buffer.concat([header, payload]);
}

type Session = {
  send(bytes: Buffer): void;
  readReply(): Promise<{ readonly type: number; readonly payload: Buffer }>;
  ended(): Promise<void>;
};

async function withSession<T>(
  { host, port, tlsDir }: NbdAddress,
  { signal }: Signalled,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const socket = connect({ host, port, noDelay: true });
  const abort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  const plain = byteSource(socket);
  let stream = socket;
  try {
    const greeting = await plain.read(18);
    if (greeting.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT') {
      throw new AppError('EXPORT_FAILED', `What listens on port ${port} is not an NBD server.`);
    }
    // Fixed newstyle, no zeroes: the bits the server offered.
    const flags = Buffer.alloc(4);
    flags.writeUInt32BE(greeting.readUInt16BE(16) & 3, 0);
    socket.write(flags);
    if (tlsDir !== undefined) stream = await startTls(socket, plain, tlsDir);
    const source = tlsDir === undefined ? plain : byteSource(stream);
    return await use({
      send: (bytes) => {
        stream.write(bytes);
      },
      readReply: () => readReply(source),
      ended: () => source.ended(),
    });
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
    socket.destroy();
  }
}

async function readReply(source: ByteSource): Promise<{ readonly type: number; readonly payload: Buffer }> {
  const header = await source.read(20);
  if (header.readBigUInt64BE(0) !== replyMagic) {
    throw new AppError('EXPORT_FAILED', 'nbd-server answered outside the protocol.');
  }
  return { type: header.readUInt32BE(12), payload: await source.read(header.readUInt32BE(16)) };
}

async function startTls(socket: Socket, plain: ByteSource, dir: string): Promise<Socket> {
  socket.write(optionHeader(option.startTls, Buffer.alloc(0)));
  const { type, payload } = await readReply(plain);
  if (type !== reply.ack) throw refused('STARTTLS', type, payload);
  plain.release();
  const pem = (name: string): string => readFileSync(join(dir, name), 'utf8');
  return connectTls({
    socket,
    ca: pem('ca-cert.pem'),
    cert: pem('client-cert.pem'),
    key: pem('client-key.pem'),
    // The one certificate that is trusted is that of the server itself: it is known by its key and not by its name.
    checkServerIdentity: () => undefined,
  });
}

type ByteSource = {
  read(count: number): Promise<Buffer>;
  ended(): Promise<void>;
  /** Somebody else reads the socket from now on. */
  release(): void;
};

/** Exact reads from a socket; whatever ends the connection rejects the read that waits for it. */
function byteSource(socket: Socket): ByteSource {
  let buffered: Buffer = Buffer.alloc(0);
  let failure: Error | null = null;
  let wake: (() => void) | null = null;
  const settle = () => {
    wake?.();
    wake = null;
  };
  const take = (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    settle();
  };
  socket.on('data', take);
  socket.on('error', (error) => {
    failure ??= error instanceof AppError ? error : new AppError('EXPORT_FAILED', `NBD connection: ${error.message}`);
    settle();
  });
  socket.on('close', () => {
    failure ??= new AppError('EXPORT_FAILED', 'nbd-server closed the connection.');
    settle();
  });
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    read: async (count) => {
      while (buffered.length < count) {
        if (failure !== null) throw failure;
        await more();
      }
      const bytes = buffered.subarray(0, count);
      buffered = buffered.subarray(count);
      return bytes;
    },
    ended: async () => {
      while (failure === null) await more();
    },
    release: () => {
      socket.off('data', take);
    },
  };
}
