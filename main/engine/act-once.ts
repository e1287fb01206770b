import type { z } from 'zod';
import type { Step, StepContext } from './workflow.ts';

/**
 * The shape of a step whose act gives its result at once and may be repeated: after a crash between act and record
 * it is simply done again.
 */
export const actOnce = <Out>(
  output: z.ZodType<Out>,
  act: (context: StepContext) => Promise<Out>,
): Pick<Step<Out, Out>, 'output' | 'handle' | 'observe' | 'act'> => ({
  output,
  handle: output,
  observe: (made) => Promise.resolve(made === undefined ? { state: 'absent' } : { state: 'done', output: made }),
  act,
});
