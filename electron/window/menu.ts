import type { MenuItemConstructorOptions } from 'electron';

/** Keyboard shortcuts of the field; the bar itself stays hidden until Alt on Linux and Windows. */
export const menuTemplate: MenuItemConstructorOptions[] = [
  { label: 'Console', submenu: [{ role: 'quit' }] },
  { role: 'editMenu' },
  {
    label: 'View',
    submenu: [
      { role: 'reload' },
      { type: 'separator' },
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      { role: 'zoomOut' },
      { type: 'separator' },
      { role: 'togglefullscreen' },
    ],
  },
];
