import type { ReactNode } from 'react';
import { CopyButton } from './copy-button.tsx';
import './facts.css';

export type Fact = readonly [name: string, value: ReactNode];

/** Names and values; what is not known yet is a dash, never an empty place. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <FactLine key={name} name={name} value={value} />
      ))}
    </dl>
  );
}

function FactLine({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value === null || value === '' ? <span className="soft">–</span> : value}</dd>
    </>
  );
}

/** An identifier in full, to be compared and copied. */
export function Copyable({ value, name }: { readonly value: string; readonly name: string }) {
  return (
    <span className="copyable">
      <span className="mono">{value}</span>
      <CopyButton label={`Copy ${name}`} value={value} />
    </span>
  );
}
