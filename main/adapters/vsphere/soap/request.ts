import { AppError } from '../../../../shared/errors.ts';
import type { MoRef } from '../../../ports/vcenter.ts';

/** Finished XML; only the functions of this file make it, so nothing enters a request unescaped. */
export type Xml = string & { readonly isXml: true };

const xml = (text: string): Xml => text as Xml;
const xsi = 'http://www.w3.org/2001/XMLSchema-instance';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser would turn it into a line feed.
  '\r': '&#13;',
};

function escaped(text: string): string {
  if (!/^[\t\n\r -\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u.test(text)) {
    throw new AppError('INVALID_REQUEST', 'The text holds a character that vCenter cannot be told.');
  }
  return text.replace(/[&<>"\r]/g, (char) => escapes[char] ?? char);
}

export const value = (name: string, content: string | number | boolean): Xml =>
  xml(`<${name}>${escaped(String(content))}</${name}>`);

export const ref = (name: string, { type, value: id }: MoRef): Xml =>
  xml(`<${name} type="${escaped(type)}">${escaped(id)}</${name}>`);

export const group = (name: string, ...members: readonly Xml[]): Xml => xml(`<${name}>${members.join('')}</${name}>`);

/** Where the schema allows several types, the sender says which. */
export const typedGroup = (name: string, type: string, ...members: readonly Xml[]): Xml =>
  xml(`<${name} xmlns:xsi="${xsi}" xsi:type="${escaped(type)}">${members.join('')}</${name}>`);

export function envelope(method: string, self: MoRef, args: readonly Xml[]): string {
  const call = `<${method} xmlns="urn:vim25">${ref('_this', self)}${args.join('')}</${method}>`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${call}</soap:Body></soap:Envelope>`
  );
}
