/** A byte range of a disk. Lists of extents are sorted, merged and never overlap. */
export type Extent = { readonly offset: number; readonly length: number };

/** Sorts and merges; drops empty ranges. */
export function normalise(extents: readonly Extent[]): Extent[] {
  const sorted = extents.filter((extent) => extent.length > 0).sort((a, b) => a.offset - b.offset);
  const merged: Extent[] = [];
  for (const extent of sorted) {
    const last = merged.at(-1);
    if (last === undefined || extent.offset > last.offset + last.length) {
      merged.push({ ...extent });
      continue;
    }
    const end = Math.max(last.offset + last.length, extent.offset + extent.length);
    merged[merged.length - 1] = { offset: last.offset, length: end - last.offset };
  }
  return merged;
}

/** The parts of `extents` that lie inside `window`. */
export function clip(extents: readonly Extent[], window: Extent): Extent[] {
  const end = window.offset + window.length;
  return extents.flatMap((extent) => {
    const from = Math.max(extent.offset, window.offset);
    const to = Math.min(extent.offset + extent.length, end);
    return to > from ? [{ offset: from, length: to - from }] : [];
  });
}

export const totalBytes = (extents: readonly Extent[]): number =>
  extents.reduce((sum, extent) => sum + extent.length, 0);
