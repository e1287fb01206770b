import { percentOf } from './format.ts';
import type { Tone } from './words.ts';
import './progress.css';

type Props = { readonly label: string; readonly done: number; readonly total: number; readonly tone: Tone };

export function Progress({ label, done, total, tone }: Props) {
  const percent = percentOf(done, total);
  return (
    <div
      className={`progress progress-${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(percent)}
    >
      <div style={{ transform: `scaleX(${String(percent / 100)})` }} />
    </div>
  );
}
