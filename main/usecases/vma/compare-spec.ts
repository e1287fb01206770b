import { requireVm } from '../list-vms.ts';
import { documentOf } from './discover.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';

type Change = { readonly field: string; readonly was: unknown; readonly is: unknown };

export const compareSpec =
  (parts: VmaParts): VmaHandlers['compareSpec'] =>
  async ({ params, body }, { signal }) => {
    const vm = await requireVm(parts, params.vm_id, { signal });
    return { changes: differences(body.known, documentOf(parts, vm)) };
  };

/** Rows with a key are compared by it: a new place in the list is no change. */
function differences(was: unknown, is: unknown, field = ''): Change[] {
  const [before, after] = [partsOf(was), partsOf(is)];
  if (before === null || after === null) return Object.is(was, is) ? [] : [{ field, was, is }];
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.flatMap((name) => {
    const place = Array.isArray(is) ? `${field}[${name}]` : field === '' ? name : `${field}.${name}`;
    if (!before.has(name) || !after.has(name))
      return [{ field: place, was: before.get(name) ?? null, is: after.get(name) ?? null }];
    return differences(before.get(name), after.get(name), place);
  });
}

function partsOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  return new Map((value as unknown[]).map((row, place) => [keyOf(row) ?? String(place), row]));
}

function keyOf(row: unknown): string | null {
  if (typeof row !== 'object' || row === null) return null;
  const { key, mo_ref: moRef, label } = row as { key?: unknown; mo_ref?: unknown; label?: unknown };
  const found = key ?? moRef ?? label;
  return typeof found === 'string' || typeof found === 'number' ? String(found) : null;
}
