import type { LabJob, Transition } from '../state.ts';

type Moving<S extends string> = { state: S; transition: Transition<S> | null };

/** Into a state that only this job may end. */
export function enter<S extends string>(thing: Moving<S>, state: S, job: LabJob): void {
  thing.transition = { jobId: job.id, before: stateFor(thing, job) };
  thing.state = state;
}

/** Back to what it was before, if it was this job that moved it. */
export function leave<S extends string>(thing: Moving<S> | undefined, job: LabJob): void {
  if (thing?.transition?.jobId !== job.id) return;
  thing.state = thing.transition.before;
  thing.transition = null;
}

/** What the rules look at: the state before this job, and everybody else's transitions. */
export const stateFor = <S extends string>(thing: Moving<S>, job: LabJob): S =>
  thing.transition?.jobId === job.id ? thing.transition.before : thing.state;
