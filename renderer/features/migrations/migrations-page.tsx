import { useLive } from '../../live/console-context.tsx';
import { Blank, Loading } from '../../ui/blank.tsx';
import { hrefOf, useRoute } from '../../ui/route.ts';
import { MigrationView } from './migration-view.tsx';
import { MigrationsList } from './migrations-list.tsx';

export function MigrationsPage() {
  const { id } = useRoute();
  const migration = useLive((state) => (id === null ? undefined : state.migrations[id]));
  const loaded = useLive((state) => state.loaded);
  if (id === null) return <MigrationsList />;
  if (migration !== undefined) return <MigrationView key={id} migration={migration} />;
  if (!loaded) return <Loading what="Reading the migration" />;
  return (
    <Blank title="There is no such migration">
      <a href={hrefOf('migrations')}>All migrations</a>
    </Blank>
  );
}
