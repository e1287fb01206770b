import { useSyncExternalStore } from 'react';

/** The address of a page in the window: `#/migrations/ID`. Back and forward work, and a link can be kept. */
export type Route = { readonly page: Page; readonly id: string | null };
export const pages = ['virtual-machines', 'migrations', 'devices', 'operations'] as const;
export type Page = (typeof pages)[number];

export function readRoute(hash: string): Route {
  const [, name = '', id] = hash.replace(/^#/, '').split('/');
  const page = pages.find((candidate) => candidate === name);
  if (page === undefined) return { page: 'virtual-machines', id: null };
  return { page, id: id === undefined || id === '' ? null : decodeURIComponent(id) };
}

export const hrefOf = (page: Page, id?: string): string =>
  id === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;

export function goTo(page: Page, id?: string): void {
  window.location.hash = hrefOf(page, id);
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(watchHash, () => window.location.hash);
  return readRoute(hash);
}

function watchHash(onChange: () => void): () => void {
  window.addEventListener('hashchange', onChange);
  return () => {
    window.removeEventListener('hashchange', onChange);
  };
}
