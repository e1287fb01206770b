import { BadXml, child, childrenOf, type Element, readXml } from './read.ts';
import { type Ref, ref, type Value } from './value.ts';
import { invalidRequest, type VimFault } from './vim-fault.ts';
import { escapeXml, writeField } from './write.ts';

const SOAP = 'http://schemas.xmlsoap.org/soap/envelope/';
const VIM = 'urn:vim25';

/** One call as it came: the method, the object it is for, its other parameters. */
export type SoapRequest = { readonly method: string; readonly self: Ref; readonly parameters: readonly Element[] };

export function readRequest(xml: string): SoapRequest {
  let envelope: Element;
  try {
    envelope = readXml(xml);
  } catch (error) {
    if (!(error instanceof BadXml)) throw error;
    throw invalidRequest(`XML document element could not be parsed: ${error.message}`);
  }
  const body = child(envelope, 'Body');
  if (envelope.uri !== SOAP || envelope.name !== 'Envelope' || body?.uri !== SOAP) {
    throw invalidRequest('The document is not a SOAP 1.1 envelope.');
  }
  const [method, ...more] = body.children;
  if (method === undefined || more.length > 0) throw invalidRequest('The body must hold one call.');
  if (method.uri !== VIM) throw invalidRequest(`Unsupported namespace "${method.uri}".`);
  const [self, ...parameters] = method.children;
  if (self?.name !== '_this') throw invalidRequest(`Required parameter _this is missing in ${method.name}.`);
  return { method: method.name, self: refOf(self), parameters };
}

export function refOf(element: Element): Ref {
  if (element.type === null) throw invalidRequest(`The reference ${element.name} has no type.`);
  return ref(element.type, element.text.trim());
}

const envelopeOf = (content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenv="${SOAP}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<soapenv:Body>\n${content}\n</soapenv:Body>\n</soapenv:Envelope>`;

export const responseOf = (method: string, returned: Value | undefined): string =>
  envelopeOf(`<${method}Response xmlns="${VIM}">${writeField('returnval', returned)}</${method}Response>`);

export function faultOf(fault: VimFault): string {
  const detail = writeField(`${fault.type}Fault`, { kind: 'struct', type: fault.type, fields: fault.fields });
  const named = detail.replace(`<${fault.type}Fault `, `<${fault.type}Fault xmlns="${VIM}" `);
  return envelopeOf(
    `<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>${escapeXml(fault.message)}</faultstring><detail>${named}</detail></soapenv:Fault>`,
  );
}

/** What a call was given, read by the names and kinds that its row of the table declares. */
export type Arguments = {
  one(name: string): Element | undefined;
  many(name: string): readonly Element[];
  text(name: string): string | undefined;
  whole(name: string): number | undefined;
  flag(name: string): boolean | undefined;
};

/** `name!` must be given; a name that is not declared is refused, as vCenter does. */
export function argumentsOf({ method, parameters }: SoapRequest, takes: readonly string[]): Arguments {
  const known = takes.map((name) => name.replace('!', ''));
  const stranger = parameters.find((parameter) => !known.includes(parameter.name));
  if (stranger !== undefined) throw invalidRequest(`Unexpected element tag "${stranger.name}" seen in ${method}.`);
  const missing = takes.find(
    (name) => name.endsWith('!') && !parameters.some(({ name: given }) => `${given}!` === name),
  );
  if (missing !== undefined) throw invalidRequest(`Required parameter ${missing.replace('!', '')} is missing.`);
  return fieldsOf(parameters);
}

export function fieldsOf(elements: readonly Element[]): Arguments {
  const all = { name: '', uri: '', xsiType: null, type: null, children: [...elements], text: '' };
  const textOf = (name: string): string | undefined => child(all, name)?.text;
  return {
    one: (name) => child(all, name),
    many: (name) => childrenOf(all, name),
    text: textOf,
    whole: (name) => {
      const text = textOf(name)?.trim();
      if (text === undefined) return undefined;
      if (!/^-?\d{1,15}$/.test(text)) throw invalidRequest(`"${text}" is not a number (${name}).`);
      return Number(text);
    },
    flag: (name) => {
      const text = textOf(name)?.trim();
      if (text === undefined) return undefined;
      if (!['true', 'false', '1', '0'].includes(text)) throw invalidRequest(`"${text}" is not a boolean (${name}).`);
      return text === 'true' || text === '1';
    },
  };
}
