import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { greetsAsNbd } from '../../main/adapters/tunnel/nbd-greeting.ts';
import { openSshForward } from '../../main/adapters/tunnel/ssh-forward.ts';
import { freePort } from '../../main/composition/free-port.ts';
import { realClock } from '../fixtures/real-clock.ts';
import { type SshServer, startSshServer } from '../fixtures/ssh-server.ts';
import { type Contender, interleave, speedRatio, type Table } from './measure.ts';
import { type Target, targetKind, withTarget } from './target.ts';
import { findPeer, gib, mib, notHere, required, runOne, secondsOf, type Workbench } from './workbench.ts';

const [ours, hand, direct] = ['through our tunnel', 'through ssh -L by hand', 'direct'];

/** The same copy each time; opening the tunnel is not counted. */
export async function tunnelRow(bench: Workbench): Promise<Table> {
  const bytes = bench.quick ? 256 * mib : 2 * gib;
  const base = { id: 'tunnel', title: `nbdcopy of a dense disk of ${bytes / mib} MiB to a ${targetKind} device` };
  const missing = ['ssh', 'sshd'].filter((name) => findPeer(name) === null);
  if (missing.length > 0) return { ...base, figures: [], ratios: [], notes: missing.map(notHere) };
  const source = await bench.denseImage(bytes);
  const copy = (target: Target, port: number): Promise<number> => {
    const uri = `nbd://127.0.0.1:${port}/${target.opened.exportName}`;
    return secondsOf(() => runOne([required('nbdcopy'), '--flush', '--', source, uri], bench));
  };
  const over = (name: string, run: (target: Target, sshd: SshServer) => Promise<number>): Contender => ({
    name,
    run: () =>
      withTarget(bench, bytes, async (target) => {
        const sshd = await startSshServer([target.opened.port]);
        try {
          return await run(target, sshd);
        } finally {
          await sshd.remove();
        }
      }),
  });
  const contenders = [
    over(ours, async (target, { dir, link }) => {
      const stateDir = join(dir, 'tunnel');
      const tunnel = openSshForward({
        stateDir,
        link,
        target: { host: '127.0.0.1', port: target.opened.port },
        clock: realClock,
        freePort,
      });
      try {
        return await copy(target, await tunnel.port(bench));
      } finally {
        await tunnel.close();
      }
    }),
    over(hand, async (target, { link }) => {
      const localPort = await freePort();
      // As an administrator types it: the cipher that both sides prefer, and none of our options.
      const [host, known] = [`${link.user}@${link.host}`, `UserKnownHostsFile=${link.knownHostsFile}`];
      const forward = `127.0.0.1:${localPort}:127.0.0.1:${target.opened.port}`;
      const ssh = spawn(required('ssh'), [
        '-F',
        'none',
        '-N',
        '-i',
        link.keyFile,
        '-o',
        known,
        '-p',
        String(link.port),
        '-L',
        forward,
        host,
      ]);
      const ended = once(ssh, 'exit');
      try {
        while (!(await greetsAsNbd(localPort, bench))) await realClock.sleep(50, bench);
        return await copy(target, localPort);
      } finally {
        ssh.kill('SIGKILL');
        await ended;
      }
    }),
    over(direct, (target) => copy(target, target.opened.port)),
  ];
  const figures = await interleave(contenders, { ...bench, bytes });
  return {
    ...base,
    figures,
    ratios: [
      ...speedRatio(figures, { ours, peer: hand, aim: 'at least 0.95' }),
      ...speedRatio(figures, { ours, peer: direct, aim: null }),
    ],
    notes: ['Both ends of the tunnel and the disk share the cores of this machine.'],
  };
}
