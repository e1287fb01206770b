import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import { AppError } from '../../../../shared/errors.ts';
import type { Element } from './element.ts';
import { faultIn, type SoapFault } from './fault.ts';

export type ReplyLimits = {
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** Elements held at once. A reply of tiny elements would need many times its own size in memory. */
  readonly maxElements: number;
};

export const replyLimits: ReplyLimits = { maxBytes: 64 * 2 ** 20, maxDepth: 128, maxElements: 250_000 };

/** Hands elements of this name and place out as soon as they are complete, and keeps none of them. */
export type Each = { readonly path: string; readonly onElement: (element: Element) => void };

export type Reply =
  | { readonly kind: 'answer'; readonly element: Element }
  | { readonly kind: 'fault'; readonly fault: SoapFault };

const soap = 'http://schemas.xmlsoap.org/soap/envelope/';
const xsi = 'http://www.w3.org/2001/XMLSchema-instance';

/** Reads a SOAP reply while it arrives. Throws VCENTER_REPLY_INVALID and VCENTER_REPLY_TOO_LARGE. */
export async function readReply(
  body: AsyncIterable<Uint8Array>,
  { limits = replyLimits, each }: { readonly limits?: ReplyLimits; readonly each?: Each | undefined } = {},
): Promise<Reply> {
  const tree = createTree(limits, each);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limits.maxBytes) throw tooLarge(`It is longer than ${limits.maxBytes} bytes.`);
    asReply(() => tree.write(decoder.decode(chunk, { stream: true })));
    // Outside of the parser: what goes wrong here is not the reply's fault.
    for (const element of tree.takeComplete()) each?.onElement(element);
  }
  asReply(() => tree.write(decoder.decode()));
  const root = asReply(() => tree.end());
  return answerIn(root);
}

/** What the parser and the decoder object to is the sender's doing. */
function asReply<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof AppError) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw new AppError('VCENTER_REPLY_INVALID', `It is not well-formed XML: ${words}`, undefined, { cause: error });
  }
}

type Open = {
  readonly name: string;
  readonly type: string | null;
  readonly refType: string | null;
  readonly children: Element[];
  readonly parts: string[];
  /** How many elements were held when it began. */
  readonly heldBefore: number;
};

const none: readonly Element[] = [];

function createTree(limits: ReplyLimits, each: Each | undefined) {
  const parser = new SaxesParser({ xmlns: true, position: false });
  const eachPath = each?.path.split('.') ?? [];
  const open: Open[] = [];
  let complete: Element[] = [];
  let root: { readonly element: Element; readonly uri: string } | null = null;
  let held = 0;

  parser.on('doctype', () => {
    throw new AppError('VCENTER_REPLY_INVALID', 'It has a document type, which SOAP forbids and entities hide in.');
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding === undefined || /^utf-?8$/i.test(encoding)) return;
    throw new AppError('VCENTER_REPLY_INVALID', `It is encoded in ${encoding} instead of UTF-8.`);
  });
  parser.on('opentag', (tag) => {
    if (open.length >= limits.maxDepth) throw tooLarge(`It nests deeper than ${limits.maxDepth} elements.`);
    const heldBefore = held;
    held += 1;
    if (held > limits.maxElements) throw tooLarge(`It has more than ${limits.maxElements} elements.`);
    open.push({ name: tag.local, ...typesOf(tag), children: [], parts: [], heldBefore });
  });
  const onText = (text: string): void => {
    open.at(-1)?.parts.push(text);
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', (tag) => {
    const done = open.pop();
    if (done === undefined) return;
    const element = elementOf(done);
    if (each !== undefined && isAt(open, done.name, eachPath)) {
      held = done.heldBefore;
      complete.push(element);
      return;
    }
    const parent = open.at(-1);
    if (parent === undefined) root = { element, uri: tag.uri };
    else parent.children.push(element);
  });

  return {
    write: (text: string): void => {
      parser.write(text);
    },
    takeComplete: (): readonly Element[] => {
      const taken = complete;
      complete = [];
      return taken;
    },
    end: (): Element => {
      parser.close();
      if (root === null || root.uri !== soap) {
        throw new AppError('VCENTER_REPLY_INVALID', 'It is no SOAP envelope.');
      }
      return root.element;
    },
  };
}

const elementOf = ({ name, type, refType, children, parts }: Open): Element => ({
  name,
  type,
  refType,
  children: children.length === 0 ? none : children,
  // What stands between child elements is layout.
  text: children.length === 0 ? (parts.length === 1 ? (parts[0] ?? '') : parts.join('')) : '',
});

/** `path` counts from inside of the answer: Envelope, Body and the answer itself come before it. */
function isAt(open: readonly Open[], name: string, path: readonly string[]): boolean {
  if (open.length !== path.length + 2 || name !== path.at(-1)) return false;
  return path.slice(0, -1).every((wanted, index) => open[index + 3]?.name === wanted);
}

function typesOf(tag: SaxesTagNS): Pick<Open, 'type' | 'refType'> {
  let type: string | null = null;
  let refType: string | null = null;
  const attributes: Readonly<Record<string, SaxesAttributeNS>> = tag.attributes;
  for (const key in attributes) {
    const attribute = attributes[key];
    if (attribute?.local !== 'type') continue;
    if (attribute.uri === xsi) type = attribute.value.slice(attribute.value.indexOf(':') + 1);
    else if (attribute.uri === '') refType = attribute.value;
  }
  return { type, refType };
}

function answerIn(root: Element): Reply {
  const body = root.children.find((child) => child.name === 'Body');
  const answer = body?.children[0];
  if (root.name !== 'Envelope' || answer === undefined) {
    throw new AppError('VCENTER_REPLY_INVALID', 'It is a SOAP envelope without an answer.');
  }
  return answer.name === 'Fault' ? { kind: 'fault', fault: faultIn(answer) } : { kind: 'answer', element: answer };
}

const tooLarge = (reason: string): AppError => new AppError('VCENTER_REPLY_TOO_LARGE', reason);
