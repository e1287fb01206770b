import type { ErrorBody } from '../errors.ts';
import type { RawInput } from './transport.ts';

/** Errors cross the bridge as values: Electron flattens a thrown one to its text. */
export type Envelope<T = unknown> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ErrorBody };

export type Environment = {
  readonly lab: boolean;
  /** `client`: another process already owns the data directory and does the work. */
  readonly mode: 'in-process' | 'client';
  readonly dataDir: string;
  readonly versions: {
    readonly console: string;
    readonly electron: string;
    readonly chrome: string;
    readonly node: string;
  };
};

export type PageToWindow =
  /** Everything the first page needs is on the screen and reacts. */
  | { readonly kind: 'interactive' }
  /** The question is on the screen: the window waits for the person and no longer for the page. */
  | { readonly kind: 'asking' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'keep-running' };

export type WindowToPage =
  | { readonly kind: 'confirm-quit'; readonly unfinished: number }
  | { readonly kind: 'quitting' };

/** `window.ossea`: all that the preload script gives to the page. Call ids are the page's; `cancel` ends calls and feeds. */
export type Bridge = {
  call(id: number, name: string, input: RawInput): Promise<Envelope>;
  feed(id: number, after: number, deliver: (message: unknown) => void): Promise<Envelope>;
  cancel(id: number): void;
  environment(): Promise<Envelope<Environment>>;
  tellWindow(message: PageToWindow): void;
  onWindow(deliver: (message: WindowToPage) => void): void;
};
