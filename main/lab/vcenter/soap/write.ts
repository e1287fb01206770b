import type { Fields, Struct, Value } from './value.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export const escapeXml = (text: string): string =>
  // A raw carriage return would be read as a line feed.
  text.replace(/[&<>"]/g, (character) => entities[character] ?? '').replaceAll('\r', '&#13;');

/** A field inside a structure: its type follows from the structure, except where a list holds a subtype. */
export function writeField(name: string, value: Value | undefined): string {
  if (value === undefined) return '';
  switch (value.kind) {
    case 'written':
      return value.xml;
    case 'scalar':
      return `<${name}>${escapeXml(value.text)}</${name}>`;
    case 'ref':
      return `<${name} type="${escapeXml(value.type)}">${escapeXml(value.id)}</${name}>`;
    case 'struct':
      return `<${name} xsi:type="${value.type}">${writeFields(value.fields)}</${name}>`;
    case 'list':
      return value.items.map((item) => writeItem(name, item, value.of)).join('');
  }
}

const writeFields = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => writeField(name, value))
    .join('');

const writeItem = (name: string, item: Value, declared: string): string =>
  item.kind === 'struct' && item.type === declared ? writePlain(name, item) : writeField(name, item);

const writePlain = (name: string, { fields }: Struct): string => `<${name}>${writeFields(fields)}</${name}>`;

/** Where anything may stand (`xsd:anyType`), the type has to be said. */
export function writeAny(name: string, value: Value): string {
  switch (value.kind) {
    case 'scalar':
      return `<${name} xsi:type="${value.type}">${escapeXml(value.text)}</${name}>`;
    case 'ref':
      return `<${name} type="${escapeXml(value.type)}" xsi:type="ManagedObjectReference">${escapeXml(value.id)}</${name}>`;
    case 'list': {
      const bare = value.of.replace(/^xsd:/, '');
      const array = `ArrayOf${bare.charAt(0).toUpperCase()}${bare.slice(1)}`;
      return `<${name} xsi:type="${array}">${value.items.map((item) => writeItem(bare, item, value.of)).join('')}</${name}>`;
    }
    case 'struct':
    case 'written':
      return writeField(name, value);
  }
}
