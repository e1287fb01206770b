import { SaxesParser } from 'saxes';

export type Element = {
  readonly name: string;
  readonly uri: string;
  /** xsi:type without its prefix. */
  readonly xsiType: string | null;
  /** The plain attribute `type`, as references carry it. */
  readonly type: string | null;
  readonly children: Element[];
  text: string;
};

export class BadXml extends Error {
  override readonly name = 'BadXml';
}

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
const DEEPEST = 64;

/** Namespaces decide, never prefixes. A document type is refused: nothing here may be expanded. */
export function readXml(xml: string): Element {
  const parser = new SaxesParser({ xmlns: true });
  const open: Element[] = [];
  const roots: Element[] = [];
  parser.on('error', (error) => {
    throw new BadXml(error.message);
  });
  parser.on('doctype', () => {
    throw new BadXml('A document type is not accepted.');
  });
  parser.on('opentag', ({ local, uri, attributes }) => {
    const of = (namespace: string): string | null =>
      Object.values(attributes).find((attribute) => attribute.local === 'type' && attribute.uri === namespace)?.value ??
      null;
    const xsiType = of(XSI)?.replace(/^.*:/, '') ?? null;
    const element: Element = { name: local, uri, xsiType, type: of(''), children: [], text: '' };
    (open.at(-1)?.children ?? roots).push(element);
    open.push(element);
    if (open.length > DEEPEST) throw new BadXml('The document is nested too deeply.');
  });
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(xml).close();
  const [root] = roots;
  if (root === undefined) throw new BadXml('The document is empty.');
  return root;
}

export const child = (element: Element, name: string): Element | undefined =>
  element.children.find((candidate) => candidate.name === name);

export const childrenOf = (element: Element, name: string): Element[] =>
  element.children.filter((candidate) => candidate.name === name);
