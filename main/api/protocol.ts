import type { FastifyRequest } from 'fastify';
import type { Endpoint } from '../../shared/contract/endpoint.ts';
import { protocol, protocolHeader } from '../../shared/contract/vma/protocol.ts';
import { AppError } from '../../shared/errors.ts';

/** Refuses before anything is looked at or done; a person who only reads need not say what they speak. */
export function checkProtocol(request: FastifyRequest, row: Endpoint): void {
  const said = request.headers[protocolHeader];
  if (said === undefined && row.handshake !== true) return;
  const spoken = typeof said === 'string' && /^\d{1,9}$/.test(said) ? Number(said) : null;
  if (spoken !== null && spoken >= protocol.oldest && spoken <= protocol.current) return;
  const asked = said === undefined ? 'no protocol' : `protocol ${String(said)}`;
  const served = `${String(protocol.oldest)} to ${String(protocol.current)}`;
  throw new AppError('PROTOCOL_MISMATCH', `The caller speaks ${asked}, this VMA ${served}.`, {
    asked: said ?? null,
    ...protocol,
  });
}
