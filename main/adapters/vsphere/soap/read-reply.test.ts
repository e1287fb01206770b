import { describe, expect, test } from 'vitest';
import { envelope, fault } from '../../../../test/fixtures/soap-server.ts';
import { at, childrenOf, type Element, flagOf, longOf, refAt, textOf } from './element.ts';
import { type Each, type Reply, readReply, replyLimits } from './read-reply.ts';

async function* inChunks(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (text: string, options: Parameters<typeof readReply>[1] = {}): Promise<Reply> =>
  readReply(inChunks(text), options);

async function answer(inside: string, each?: Each): Promise<Element> {
  const reply = await read(envelope(inside), { each });
  if (reply.kind !== 'answer') throw new Error('a fault');
  return reply.element;
}

const invalid = (reason: RegExp) => ({
  code: 'VCENTER_REPLY_INVALID',
  reason: expect.stringMatching(reason) as string,
});
const tooLarge = (reason: RegExp) => ({
  code: 'VCENTER_REPLY_TOO_LARGE',
  reason: expect.stringMatching(reason) as string,
});

describe('what servers write in different ways is read as one', () => {
  test('the type of the schema is found by namespace, whatever its prefix, beside the type of a reference', async () => {
    const ns = 'xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance"';
    const odd = `<r ${ns}><val XMLSchema-instance:type="ManagedObjectReference" type="Folder">group-v3</val></r>`;
    const usual = '<r><val type="Folder" xsi:type="vim25:ManagedObjectReference">group-v3</val></r>';
    for (const reply of [odd, usual]) {
      const found = await answer(reply);
      expect(refAt(found, 'val')).toEqual({ type: 'Folder', value: 'group-v3' });
      expect(at(found, 'val')?.type).toBe('ManagedObjectReference');
    }
  });

  test('a foreign attribute named type is neither', async () => {
    const found = await answer('<r xmlns:x="urn:x"><val x:type="Folder">a</val></r>');
    expect(at(found, 'val')).toMatchObject({ type: null, refType: null });
  });

  test('a list of one is a list', async () => {
    const one = await answer('<r><val xsi:type="ArrayOfString"><string>a</string></val></r>');
    expect(at(one, 'val')?.children.map((child) => child.text)).toEqual(['a']);
    expect(childrenOf(await answer('<r><token>t</token></r>'), 'objects')).toEqual([]);
  });

  test('numbers and flags are read where it is known that they are some', async () => {
    const found = await answer('<r><big>3298534883328</big><yes>true</yes><one>1</one><empty/></r>');
    expect([longOf(found, 'big'), flagOf(found, 'yes'), flagOf(found, 'one'), longOf(found, 'none')]).toEqual([
      3_298_534_883_328,
      true,
      true,
      null,
    ]);
    expect(textOf(found, 'big')).toBe('3298534883328');
  });

  test.each(['9007199254740993', '-9223372036854775808', '12.5', '0x10', 'NaN', ''])(
    'the number "%s" is refused, never rounded',
    async (text) => {
      const found = await answer(`<r><n>${text}</n></r>`);
      expect(() => longOf(found, 'n')).toThrow(expect.objectContaining(invalid(/^n: expected a whole number/)));
    },
  );

  test('text in several pieces, with characters cut in two by the network, CDATA and predefined entities', async () => {
    const found = await answer('<r><name>Zürich &amp; 東京 &#x1F600;<![CDATA[ <x> ]]>&lt;</name></r>');
    expect(textOf(found, 'name')).toBe('Zürich & 東京 😀 <x> <');
  });

  test('objects are handed out as they come and are not kept', async () => {
    const handed: string[] = [];
    const objects = ['a', 'b', 'c'].map((id) => `<objects><obj>${id}</obj><objects/></objects>`).join('');
    const found = await answer(`<r><returnval><token>7</token>${objects}</returnval></r>`, {
      path: 'returnval.objects',
      onElement: (element) => handed.push(textOf(element, 'obj') ?? ''),
    });
    expect(handed).toEqual(['a', 'b', 'c']);
    expect(at(found, 'returnval')?.children.map(({ name }) => name)).toEqual(['token']);
  });
});

describe('faults', () => {
  test('by the type of their content, or by its name', async () => {
    expect(await read(envelope(fault('InvalidLogin', { text: 'Cannot complete login.' })))).toMatchObject({
      kind: 'fault',
      fault: { name: 'InvalidLogin', message: 'Cannot complete login.' },
    });
    const untyped = '<soapenv:Fault><faultstring>x</faultstring><detail><NoPermissionFault/></detail></soapenv:Fault>';
    expect(await read(envelope(untyped))).toMatchObject({ fault: { name: 'NoPermission' } });
    const bare = '<soapenv:Fault><faultcode>ServerFaultCode</faultcode></soapenv:Fault>';
    expect(await read(envelope(bare))).toMatchObject({ fault: { name: 'ServerFaultCode', message: '' } });
  });
});

describe('replies that are refused', () => {
  const bomb = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>${envelope('<r>&b;</r>').replace(/^<[?].*?[?]>/, '')}`;
  test('a document type, and with it every entity', async () => {
    await expect(read(bomb)).rejects.toMatchObject(invalid(/document type/));
  });
  test('an entity that nobody defined', async () => {
    await expect(read(envelope('<r>&xxe;</r>'))).rejects.toMatchObject(invalid(/entity/));
  });
  test('cut off anywhere', async () => {
    const whole = envelope('<r><val>ü</val></r>');
    const bytes = Buffer.from(whole);
    await expect(read(whole)).resolves.toMatchObject({ kind: 'answer' });
    for (let length = 0; length < bytes.length; length += 3) {
      const cut = readReply(inChunks(bytes.subarray(0, length).toString('latin1')));
      await expect(cut).rejects.toMatchObject({ code: 'VCENTER_REPLY_INVALID' });
    }
  });
  test('bytes that are no UTF-8, and other encodings', async () => {
    await expect(readReply([Buffer.from([0x3c, 0xff, 0xfe])] as never)).rejects.toMatchObject(invalid(/well-formed/));
    const latin = envelope('<r/>').replace('UTF-8', 'ISO-8859-1');
    await expect(read(latin)).rejects.toMatchObject(invalid(/ISO-8859-1/));
  });
  test('a page of HTML, an empty body, an envelope of something else', async () => {
    await expect(read('<html><body>Sign in</body></html>')).rejects.toMatchObject(invalid(/no SOAP envelope/));
    await expect(read('')).rejects.toMatchObject({ code: 'VCENTER_REPLY_INVALID' });
    await expect(read('<Envelope><Body><r/></Body></Envelope>')).rejects.toMatchObject(invalid(/no SOAP envelope/));
    await expect(read(envelope(''))).rejects.toMatchObject(invalid(/without an answer/));
  });
  test('nesting that is too deep', async () => {
    const deep = (levels: number): string => envelope('<a>'.repeat(levels) + '</a>'.repeat(levels));
    await expect(read(deep(120))).resolves.toMatchObject({ kind: 'answer' });
    await expect(read(deep(200))).rejects.toMatchObject(tooLarge(/deeper than 128/));
  });
  test('more bytes than the limit, counted before they are read', async () => {
    const limits = { ...replyLimits, maxBytes: 1_000 };
    await expect(read(envelope('<r/>'), { limits })).resolves.toMatchObject({ kind: 'answer' });
    await expect(read(envelope(`<r>${'x'.repeat(1_000)}</r>`), { limits })).rejects.toMatchObject(
      tooLarge(/longer than 1000 bytes/),
    );
  });
  test('more elements than the limit; those that are handed out count no longer', async () => {
    const limits = { ...replyLimits, maxElements: 100 };
    const many = envelope(`<r><returnval>${'<objects><a/></objects>'.repeat(500)}</returnval></r>`);
    await expect(readReply(inChunks(many, 4096), { limits })).rejects.toMatchObject(tooLarge(/more than 100 elements/));
    const each = { path: 'returnval.objects', onElement: () => undefined };
    await expect(readReply(inChunks(many, 4096), { limits, each })).resolves.toMatchObject({ kind: 'answer' });
  });
  test('100 MB of a well-formed reply, in bounded memory', async () => {
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(envelope('<r>#</r>').split('#')[0] ?? '');
      for (; sent < 100; sent += 1) yield megabyte;
    }
    const before = process.memoryUsage().rss;
    await expect(readReply(endless())).rejects.toMatchObject(tooLarge(/longer than 67108864 bytes/));
    expect(sent).toBeLessThanOrEqual(64);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
  });
});

test('what goes wrong where an object is handed to is not the reply that is wrong', async () => {
  const onElement = (): void => {
    throw new TypeError('of the reader');
  };
  const objects = envelope('<r><returnval><objects/></returnval></r>');
  await expect(read(objects, { each: { path: 'returnval.objects', onElement } })).rejects.toThrow(
    new TypeError('of the reader'),
  );
});
