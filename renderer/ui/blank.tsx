import { Loader } from '@mantine/core';
import type { ReactNode } from 'react';
import './blank.css';

/** Nothing is there, and this is why. */
export function Blank(props: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="blank">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** Not known yet, which is not the same as nothing there. */
export function Loading({ what }: { readonly what: string }) {
  return (
    <div className="blank" role="status">
      <Loader size="sm" type="dots" />
      <p>{what}</p>
    </div>
  );
}
