import { contextBridge, ipcRenderer } from 'electron';
import type { Bridge, Envelope, PageToWindow, WindowToPage } from '../../shared/client/bridge.ts';
import type { RawInput } from '../../shared/client/transport.ts';
import { channels } from '../ipc/channels.ts';

/** The page gets these functions and nothing else: no ipcRenderer, no events, no channel names of its own choice. */
const bridge = {
  call: (id: number, name: string, input: RawInput) => ipcRenderer.invoke(channels.call, { id, name, input }),
  feed: async (id: number, after: number, deliver: (message: unknown) => void) => {
    const take = (_event: unknown, part: { readonly id: number; readonly message: unknown }): void => {
      if (part.id === id) deliver(part.message);
    };
    ipcRenderer.on(channels.feed, take);
    try {
      return (await ipcRenderer.invoke(channels.feed, { id, after })) as Envelope;
    } finally {
      ipcRenderer.off(channels.feed, take);
    }
  },
  cancel: (id: number) => {
    ipcRenderer.send(channels.cancel, { id });
  },
  environment: () => ipcRenderer.invoke(channels.environment),
  tellWindow: (message: PageToWindow) => {
    ipcRenderer.send(channels.window, message);
  },
  onWindow: (deliver: (message: WindowToPage) => void) => {
    ipcRenderer.on(channels.window, (_event, message: WindowToPage) => {
      deliver(message);
    });
  },
} satisfies Bridge;

contextBridge.exposeInMainWorld('ossea', bridge);
