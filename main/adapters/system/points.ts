import { appendFileSync } from 'node:fs';
import type { Points } from '../../ports/points.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * For tests only: OSSEA_POINTS_LOG=FILE writes down every moment reached; OSSEA_AT="NAME@K=kill|stop" ends or stops this
 * very process by signal when the moment NAME is reached for the K-th time. Without them nothing happens.
 */
export function createPoints(environment: Environment): Points {
  const file = environment['OSSEA_POINTS_LOG'];
  const order = /^(.+)@(\d+)=(kill|stop)$/.exec(environment['OSSEA_AT'] ?? '');
  let seen = 0;
  return {
    reached: (name) => {
      if (file !== undefined) appendFileSync(file, `${name}\n`);
      if (order !== null && order[1] === name) {
        seen += 1;
        if (seen === Number(order[2])) process.kill(process.pid, order[3] === 'kill' ? 'SIGKILL' : 'SIGSTOP');
      }
      return Promise.resolve();
    },
  };
}
