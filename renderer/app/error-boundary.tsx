import { Component, type ReactNode } from 'react';
import { asAppError } from '../../shared/errors.ts';
import { NotOpened } from './not-opened.tsx';

type Props = { readonly children: ReactNode };
type State = { readonly error: unknown };

/** A page that cannot be drawn says so; React knows error boundaries only as classes. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <NotOpened error={asAppError(this.state.error)} />;
  }
}
