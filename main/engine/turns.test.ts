import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

test('who comes first goes first, and nobody small slips past somebody large', async () => {
  const turns = createTurns(() => 3);
  const order: string[] = [];
  const leaveFirst = await turns.enter(2, never);
  const large = turns.enter(3, never).then((leave) => {
    order.push('large');
    leave();
  });
  const small = turns.enter(1, never).then((leave) => {
    order.push('small');
    leave();
  });
  expect(turns.hasRoom(1)).toBe(false);
  leaveFirst();
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
});

test('who gives up waiting gives up the place in line', async () => {
  const turns = createTurns(() => 1);
  const leave = await turns.enter(1, never);
  const impatient = new AbortController();
  const gone = turns.enter(1, impatient.signal);
  const patient = turns.enter(1, never);
  impatient.abort(new Error('enough'));
  await expect(gone).rejects.toThrow('enough');
  leave();
  (await patient)();
  expect(turns.hasRoom(1)).toBe(true);
});

test('leaving twice frees one place once', async () => {
  const turns = createTurns(() => 2);
  const leave = await turns.enter(1, never);
  turns.take(1);
  leave();
  leave();
  expect(turns.hasRoom(1)).toBe(true);
  expect(turns.hasRoom(2)).toBe(false);
});
