export type Requirement = {
  readonly id: string;
  readonly text: string;
  readonly builtIn: string;
  readonly shownBy: string;
};

/** The rows of `| id | requirement | built in | shown by |` tables; headings and separators are not rows. */
export function readRequirements(markdown: string): Requirement[] {
  return markdown
    .split('\n')
    .filter((line) => line.trim().startsWith('|'))
    .map((line) =>
      line
        .trim()
        .replace(/^\||\|$/g, '')
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
    .filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)) && cells[0]?.toLowerCase() !== 'id')
    .map(([id = '', text = '', builtIn = '', shownBy = '']) => ({ id, text, builtIn, shownBy }));
}

/** A cell names its files in code spans or bare, separated by commas; a test may be followed by its title. */
export function filesOf(cell: string): string[] {
  return [...cell.matchAll(/[\w.@-]+(?:\/[\w.@-]+)+\/?|[\w-]+\.(?:md|ts|tsx|mjs|json|cjs)/g)].map((match) => match[0]);
}

/** What is wrong with a row, or null. `exists` answers for a path in the repository. */
export function judge(row: Requirement, exists: (path: string) => boolean): string | null {
  if (row.id === '' || row.text === '') return `a row lacks its id or its text: ${row.id} ${row.text}`;
  const [built, shown] = [row.builtIn.toLowerCase() === 'open', row.shownBy.toLowerCase() === 'open'];
  if (built || shown) return built && (shown || row.shownBy === '') ? null : `${row.id}: half open`;
  const [files, tests] = [filesOf(row.builtIn), filesOf(row.shownBy)];
  if (files.length === 0) return `${row.id}: names no file`;
  if (tests.length === 0) return `${row.id}: names no test`;
  const gone = [...files, ...tests].filter((path) => !exists(path));
  if (gone.length > 0) return `${row.id}: ${gone.join(', ')} does not exist`;
  const noTests = tests.filter((path) => !/[.]test[.]tsx?$/.test(path));
  return noTests.length > 0 ? `${row.id}: ${noTests.join(', ')} is no test` : null;
}
