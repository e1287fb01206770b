import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import './table.css';

export type Column<Row> = {
  readonly title: string;
  readonly cell: (row: Row) => ReactNode;
  readonly align?: 'end';
  readonly wrap?: boolean;
  readonly sortBy?: (row: Row) => string | number;
};

type Props<Row> = {
  /** What a screen reader calls the table. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly onOpen?: (row: Row) => void;
  readonly selectedKey?: string | null;
  readonly isDimmed?: (row: Row) => boolean;
};

type Sort = { readonly title: string; readonly falling: boolean };

/** Rows are walked with the arrow keys and opened with Enter; only one row is in the tab order. */
export function Table<Row>(props: Props<Row>) {
  const { label, columns, rowKey, onOpen, selectedKey, isDimmed } = props;
  const [sort, setSort] = useState<Sort | null>(null);
  const [entry, setEntry] = useState<string | null>(null);
  const rows = sorted(props.rows, columns, sort);
  const entryKey = rows.some((row) => rowKey(row) === entry) ? entry : rows[0] && rowKey(rows[0]);

  return (
    <div className="table-frame">
      <table className="table" aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.title} column={column} sort={sort} onSort={setSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = rowKey(row);
            const opens = onOpen !== undefined;
            const names = [opens && 'opens', key === selectedKey && 'selected', isDimmed?.(row) && 'dimmed'];
            return (
              <tr
                key={key}
                className={names.filter(Boolean).join(' ')}
                aria-selected={opens ? key === selectedKey : undefined}
                tabIndex={opens ? (key === entryKey ? 0 : -1) : undefined}
                onFocus={() => {
                  setEntry(key);
                }}
                onClick={() => onOpen?.(row)}
                onKeyDown={(event) => {
                  if (event.target === event.currentTarget) walk(event, () => onOpen?.(row));
                }}
              >
                {columns.map((column) => (
                  <td key={column.title} className={cellClass(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Heading<Row>(props: {
  readonly column: Column<Row>;
  readonly sort: Sort | null;
  readonly onSort: (sort: Sort | null) => void;
}) {
  const { column, sort, onSort } = props;
  const active = sort?.title === column.title ? sort : null;
  const direction = active === null ? 'none' : active.falling ? 'descending' : 'ascending';
  if (column.sortBy === undefined) return <th className={cellClass(column)}>{column.title}</th>;
  return (
    <th className={cellClass(column)} aria-sort={direction}>
      <button
        type="button"
        onClick={() => {
          // Rising, falling, then the order the daemon gave.
          onSort(active?.falling === true ? null : { title: column.title, falling: active !== null });
        }}
      >
        {column.title}
        {active !== null && (active.falling ? <IconArrowDown size={12} /> : <IconArrowUp size={12} />)}
      </button>
    </th>
  );
}

const cellClass = <Row,>(column: Column<Row>): string =>
  [column.align === 'end' && 'end', column.wrap === true && 'wrap'].filter(Boolean).join(' ');

function walk(event: KeyboardEvent<HTMLTableRowElement>, open: () => void): void {
  const row = event.currentTarget;
  const rows = [...(row.parentElement?.children ?? [])];
  const goals: Record<string, Element | null | undefined> = {
    ArrowDown: row.nextElementSibling,
    ArrowUp: row.previousElementSibling,
    Home: rows[0],
    End: rows.at(-1),
  };
  if (event.key === 'Enter' || event.key === ' ') open();
  else if (event.key in goals) (goals[event.key] as HTMLElement | null | undefined)?.focus();
  else return;
  event.preventDefault();
}

function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort: Sort | null): readonly Row[] {
  const by = columns.find((column) => column.title === sort?.title)?.sortBy;
  if (by === undefined || sort === null) return rows;
  const sign = sort.falling ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [left, right] = [by(a), by(b)];
    if (typeof left === 'string' && typeof right === 'string') {
      return sign * left.localeCompare(right, undefined, { numeric: true });
    }
    return sign * (Number(left) - Number(right));
  });
}
