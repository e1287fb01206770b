import { IconArrowsRightLeft, IconDatabase, IconListCheck, IconServer2 } from '@tabler/icons-react';
import { useLive } from '../live/console-context.tsx';
import { unfinishedCount } from '../live/select.ts';
import { plural } from '../ui/format.ts';
import { hrefOf, type Page } from '../ui/route.ts';

const entries = [
  { page: 'virtual-machines', name: 'Virtual machines', Icon: IconServer2 },
  { page: 'migrations', name: 'Migrations', Icon: IconArrowsRightLeft },
  { page: 'devices', name: 'Devices & exports', Icon: IconDatabase },
  { page: 'operations', name: 'Operations', Icon: IconListCheck },
] as const;

export function Navigation({ page }: { readonly page: Page }) {
  const unfinished = useLive(unfinishedCount);
  return (
    <nav className="navigation" aria-label="Pages">
      {entries.map((entry) => (
        <a key={entry.page} href={hrefOf(entry.page)} aria-current={entry.page === page ? 'page' : undefined}>
          <entry.Icon size={17} stroke={1.7} aria-hidden />
          {entry.name}
          {entry.page === 'migrations' && unfinished > 0 && (
            <span className="count" title={`${plural(unfinished, 'migration')} not finished`}>
              {unfinished}
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}
