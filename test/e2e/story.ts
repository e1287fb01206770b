import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { picturesDir } from './programs.ts';

/** What a person does and sees, in the words of the window. */
/** The first start of a demo environment makes its disk images. */
const firstStartMs = 120_000;

export const story = (page: Page) => ({
  opened: (): Promise<void> => page.getByRole('table', { name: 'Virtual machines' }).waitFor({ timeout: firstStartMs }),

  row: (name: string): Locator =>
    page
      .getByRole('table')
      .first()
      .getByRole('row', { name: new RegExp(name) }),
  link: (name: string): Locator => page.getByRole('navigation').getByRole('link', { name: new RegExp(name) }),
  dock: (): Locator => page.getByRole('region', { name: 'Recent tasks' }),
  disk: (label: string): Locator => page.getByRole('region', { name: label }),

  async startMigration(vm: string): Promise<void> {
    await page.getByRole('navigation').getByRole('link', { name: 'Virtual machines' }).click();
    await page
      .getByRole('table', { name: 'Virtual machines' })
      .getByRole('row', { name: new RegExp(vm) })
      .click();
    await page.getByRole('button', { name: 'Migrate', exact: true }).click();
    await page.getByRole('heading', { name: new RegExp(`Migrations / ${vm}`) }).waitFor();
  },

  async waitForProof(): Promise<void> {
    await page.getByRole('main').getByText('Proved: full').first().waitFor({ timeout: 120_000 });
  },

  /** A person looks at these; they are kept after the run. */
  async picture(name: string): Promise<void> {
    await mkdir(picturesDir, { recursive: true });
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(picturesDir, `${name}-${colorScheme}.png`) });
    }
    await page.emulateMedia({ colorScheme: null });
  },
});
