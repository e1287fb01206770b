import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useState } from 'react';
import { useLive, useNow } from '../live/console-context.tsx';
import { Badge } from '../ui/badge.tsx';
import { formatInstant, formatRate, formatSeconds, percentOf, secondsBetween } from '../ui/format.ts';
import { Progress } from '../ui/progress.tsx';
import { goTo } from '../ui/route.ts';
import { type Column, Table } from '../ui/table.tsx';
import { recentTasks, type Task } from './tasks.ts';
import './recent-tasks.css';

/** The dock of the field: what was started last, whoever started it, and how far it is. */
export function RecentTasks() {
  const { migrations, operations, frames, loaded } = useLive((state) => state);
  const [open, setOpen] = useState(true);
  const tasks = recentTasks({ migrations, operations, frames });
  const unfinished = tasks.filter((task) => task.endedAt === null).length;
  const now = useNow(unfinished > 0);
  return (
    <section className="dock" aria-label="Recent tasks">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {open ? <IconChevronDown size={14} /> : <IconChevronUp size={14} />}
        Recent tasks
        {unfinished > 0 && <span className="soft">{unfinished} not finished</span>}
      </button>
      {open && tasks.length > 0 && (
        <Table
          label="Recent tasks"
          columns={columns(now)}
          rows={tasks}
          rowKey={(task) => task.id}
          onOpen={(task) => {
            if (task.jobId === null) goTo('operations');
            else goTo('migrations', task.jobId);
          }}
        />
      )}
      {open && tasks.length === 0 && (
        <p className="none">{loaded ? 'Nothing was started yet.' : 'Reading the tasks'}</p>
      )}
    </section>
  );
}

const columns = (now: string): readonly Column<Task>[] => [
  { title: 'Task', cell: (task) => <span className={task.part ? 'task-part' : 'task-name'}>{task.name}</span> },
  { title: 'Target', cell: (task) => task.target },
  { title: 'Status', cell: (task) => <Status task={task} /> },
  { title: 'Details', cell: (task) => <span className="soft">{task.detail}</span> },
  { title: 'Rate', align: 'end', cell: (task) => formatRate(task.rate) },
  { title: 'Started', cell: (task) => formatInstant(task.startedAt, now) },
  {
    title: 'Duration',
    align: 'end',
    cell: (task) => formatSeconds(secondsBetween(task.startedAt, task.endedAt ?? now)),
  },
];

function Status({ task }: { readonly task: Task }) {
  const { progress } = task;
  if (progress === null) return <Badge tone={task.tone}>{task.status}</Badge>;
  return (
    <span className="task-progress">
      <Progress
        label={`${task.name} ${task.target}`}
        done={progress.doneBytes}
        total={progress.totalBytes}
        tone="active"
      />
      {percentOf(progress.doneBytes, progress.totalBytes).toFixed(0)} %
    </span>
  );
}
