import { bytesOfMib } from '../../shared/units.ts';
import type { RateLimits } from '../domain/share-rate.ts';
import type { SettingRows } from '../ports/rows.ts';

/** What the settings allow now. */
export function ratesOf({ settings }: { readonly settings: SettingRows }): Omit<RateLimits, 'job'> {
  const { rate_mib_per_second: link, host_rate_mib_per_second: perHost } = settings.get();
  return { link: bytesOfMib(link), host: bytesOfMib(perHost) };
}
