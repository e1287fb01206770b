import {
  IconAlertTriangle,
  IconCheck,
  IconCircleDashed,
  IconLoader2,
  IconPlayerPause,
  IconX,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Tone } from './words.ts';
import './badge.css';

const icons = {
  neutral: IconCircleDashed,
  active: IconLoader2,
  good: IconCheck,
  warn: IconPlayerPause,
  bad: IconX,
} as const;

/** State is told by word and shape, never by colour alone. */
export function Badge(props: { readonly tone: Tone; readonly children: ReactNode; readonly alert?: boolean }) {
  const Icon = props.alert === true ? IconAlertTriangle : icons[props.tone];
  return (
    <span className={`badge badge-${props.tone}`}>
      <Icon size={13} aria-hidden />
      {props.children}
    </span>
  );
}
