import { createStore, type StoreApi } from 'zustand/vanilla';
import { type Change, type LiveState, nothingYet } from './entities.ts';
import { reduce } from './reduce.ts';

export type LiveStore = {
  readonly api: StoreApi<LiveState>;
  apply(change: Change): void;
};

export function createLiveStore(): LiveStore {
  const api = createStore<LiveState>(() => nothingYet);
  return {
    api,
    apply: (change) => {
      api.setState((state) => reduce(state, change));
    },
  };
}
