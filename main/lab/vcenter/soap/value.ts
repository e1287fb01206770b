/** A value as the vSphere API types it; written as XML by write.ts. */
export type Value = Scalar | Ref | Struct | List | Written;

type Scalar = { readonly kind: 'scalar'; readonly type: string; readonly text: string };

/** A managed object reference. */
export type Ref = { readonly kind: 'ref'; readonly type: string; readonly id: string };

/** Undefined fields are known and unset: they are not written, and asking for them is no mistake. */
export type Fields = Readonly<Record<string, Value | undefined>>;

export type Struct = { readonly kind: 'struct'; readonly type: string; readonly fields: Fields };

export type List = { readonly kind: 'list'; readonly of: string; readonly items: readonly Value[] };

/** An element that is XML already, name and all. */
type Written = { readonly kind: 'written'; readonly xml: string };

const scalar =
  (type: string) =>
  (value: string | number | bigint | boolean): Scalar => ({ kind: 'scalar', type, text: String(value) });

export const text = scalar('xsd:string');
export const int = scalar('xsd:int');
export const long = scalar('xsd:long');
export const bool = scalar('xsd:boolean');
export const time = (ms: number): Scalar => scalar('xsd:dateTime')(new Date(ms).toISOString());
/** One word of an enumeration of the API. */
export const word = (type: string, value: string): Scalar => scalar(type)(value);
export const ref = (type: string, id: string): Ref => ({ kind: 'ref', type, id });
export const struct = (type: string, fields: Fields): Struct => ({ kind: 'struct', type, fields });
export const list = (of: string, items: readonly Value[]): List => ({ kind: 'list', of, items });
export const refs = (items: readonly Ref[]): List => list('ManagedObjectReference', items);
export const texts = (items: readonly string[]): List => list('xsd:string', items.map(text));
export const written = (xml: string): Written => ({ kind: 'written', xml });

/** Without those that are not there. */
export const some = <T>(items: readonly (T | null | undefined | false)[]): T[] =>
  items.filter((item): item is T => item !== null && item !== undefined && item !== false);
