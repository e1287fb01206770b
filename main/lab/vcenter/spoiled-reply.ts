import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArmedFault } from '../faults.ts';
import type { SoapReply } from './answer-soap.ts';

const xmlType = { 'Content-Type': 'text/xml; charset=utf-8' };

/** Sends what an armed fault makes of a reply. */
export async function sendSpoiled(response: ServerResponse, fault: ArmedFault, { xml }: SoapReply): Promise<void> {
  const bytes = Buffer.from(xml);
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  switch (fault.fault) {
    case 'vc-reply-cut':
      response.writeHead(200, { ...xmlType, 'Content-Length': bytes.length });
      await new Promise((resolve) => response.write(half, resolve));
      response.destroy();
      return;
    case 'vc-reply-truncated':
      response.writeHead(200, xmlType).end(half);
      return;
    case 'vc-reply-huge':
      await sendHuge(response, fault.value ?? 100);
      return;
    case 'vc-xml-bomb':
      response.writeHead(200, xmlType).end(bomb());
      return;
    default:
      response.destroy();
  }
}

const opening =
  '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><LabResponse xmlns="urn:vim25">';
const closing = '</LabResponse></soapenv:Body></soapenv:Envelope>';

/** Never more of it in memory than one piece: the client's patience is tested, not ours. */
async function sendHuge(response: ServerResponse, megabytes: number): Promise<void> {
  response.writeHead(200, xmlType);
  await pipeline(Readable.from(hugeReply(megabytes)), response);
}

function* hugeReply(megabytes: number): Generator<string> {
  const piece = `<returnval>${'x'.repeat(1000 * 1000 - 23)}</returnval>`;
  yield opening;
  for (let sent = 0; sent < megabytes; sent += 1) yield piece;
  yield closing;
}

function bomb(): string {
  const entities = Array.from(
    { length: 9 },
    (_unused, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`,
  );
  return `<?xml version="1.0"?><!DOCTYPE bomb [<!ENTITY l0 "lol">${entities.join('')}]>${opening}<returnval>&l9;</returnval>${closing}`;
}
