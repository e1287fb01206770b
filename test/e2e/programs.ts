import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** The built console; another folder to run the same stories against a package. */
export const appDir = process.env['OSSEA_APP_DIR'] ?? repository;
export const electronPath = process.env['OSSEA_ELECTRON'] ?? join(repository, '.setup/electron/electron');
export const osseaPath = join(appDir, 'dist/ossea.cjs');
export const picturesDir = join(repository, 'test-output/e2e');

const chromiumPlaces = [process.env['OSSEA_CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];
export const chromiumPath = chromiumPlaces.find((path) => path !== undefined && existsSync(path)) ?? null;
